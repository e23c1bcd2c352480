"""Listeners on loopback, a thread for each connection; TLS from the start or by StartTLS."""
import os
import socket
import ssl
import sys
import threading
import traceback

import ber
from fakes import message
from fakes.session import Session


class Channel:
    """One connection: whole messages in, bytes out."""

    def __init__(self, sock, context, tls):
        self.sock, self.context, self.tls, self.lock = sock, context, False, threading.Lock()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.start_tls()

    def start_tls(self):
        self.sock = self.context.wrap_socket(self.sock, server_side=True)
        self.tls = True

    def send(self, data):
        with self.lock:
            self.sock.sendall(data)

    def receive(self):
        data = ber.read(self.sock.recv)
        return None if data is None else message.request(data)

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


def bound(port):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
        sock.listen(128)
    except OSError:
        sock.close()
        raise
    return sock


def listen(port=0):
    """A free port below those of outgoing connections, which might take it while the server is away for a moment."""
    if port:
        return bound(port)
    first = 10000 + os.getpid() * 97 % 20000
    for candidate in range(first, 32768):
        try:
            return bound(candidate)
        except OSError:
            continue
    raise OSError("no free port")


def context(certificate, key):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    return made


def converse(directory, channel):
    """An Active Directory's side of one connection."""
    session = Session(directory, channel)
    try:
        while (request := channel.receive()) is not None:
            if not session.answer(request):
                break
    finally:
        session.close()


def serve(sock, talk):
    """talk(socket) in a thread for each connection, until the process ends."""

    def one(connection):
        try:
            talk(connection)
        except (OSError, EOFError, ssl.SSLError, ber.Malformed):
            pass
        except Exception:
            traceback.print_exc(file=sys.stderr)
        finally:
            connection.close()

    def accept():
        while True:
            connection, _ = sock.accept()
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def serve_directory(sock, directory, tls_context, tls):
    def talk(connection):
        channel = Channel(connection, tls_context, tls)
        try:
            converse(directory, channel)
        finally:
            channel.close()

    serve(sock, talk)
