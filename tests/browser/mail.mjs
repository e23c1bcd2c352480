// Mails as the mailbox transport wrote them.
import fs from 'node:fs';
import path from 'node:path';
import { until } from './tap.mjs';

function decoded(part) {
	const [head, ...rest] = part.split('\n\n');
	const body = rest.join('\n\n');
	if (!/quoted-printable/i.test(head)) return body;
	const bytes = body.replace(/=\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
	return Buffer.from(bytes, 'latin1').toString('utf8');
}

function letter(file) {
	const text = fs.readFileSync(file, 'latin1').replace(/\r\n/g, '\n');
	const boundary = /boundary="([^"]+)"/.exec(text)?.[1];
	const parts = text.split(`--${boundary}`);
	const part = (kind) => decoded((parts.find((p) => p.includes(`Content-Type: ${kind}`)) ?? '').trimStart());
	return {
		to: /^To: <?([^>\n]+)>?/im.exec(text)?.[1],
		subject: /^Subject: (.*)/im.exec(text)?.[1],
		text: part('text/plain'),
		html: part('text/html'),
	};
}

function linkIn(text, end) {
	return (text.match(/https?:\/\/[^\s<>"']+/g) ?? []).find((link) => link.split('?')[0].endsWith(end));
}

export class Mailbox {
	constructor(folder) {
		this.folder = folder;
	}

	letters(to) {
		const names = fs.readdirSync(this.folder).filter((name) => name.endsWith('.eml')).sort();
		return names.map((name) => letter(path.join(this.folder, name))).filter((found) => found.to === to);
	}

	// The newest letter to this address with a link whose path ends so, as {letter, link}.
	async find(to, end, seconds = 15) {
		return until(() => {
			const found = this.letters(to).reverse().find((one) => linkIn(one.text, end));
			return found && { letter: found, link: linkIn(found.text, end) };
		}, seconds, `a mail to ${to} with a link to ${end}`);
	}

	async link(to, end) {
		return (await this.find(to, end)).link;
	}
}
