#!/usr/bin/python3
"""kill -9 at every kind of point of the walks on Samba's Active Directory (kill.py)."""
import os
import sys

from kill import KillTests
from usher import ActiveDirectory

if os.geteuid() != 0:
    print("Samba must be started as root")
    sys.exit(77)
sys.exit(KillTests("kill_ad", ActiveDirectory).main())
