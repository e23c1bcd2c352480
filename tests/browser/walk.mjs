// The whole way in Chromium. usage: walk.mjs [--update-screenshots] [--only PART]
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { clients } from './clients.mjs';
import { Looker } from './looker.mjs';
import { Mailbox } from './mail.mjs';
import { errors, frozen, operations, plain } from './more.mjs';
import { keyboard } from './keyboard.mjs';
import { Party } from './party.mjs';
import { end, expect, same, say, test } from './tap.mjs';

const FIRST_PAGE = 30 * 1024;
const CHROMIUM = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const SHOWN = { // page → what is shown of it in docs/screenshots
	'register-guest': { name: 'register', width: 960, height: 780 },
	activate: { name: 'activate', width: 960, height: 820 },
	login: { name: 'login', width: 960, height: 640 },
	approvals: { name: 'approvals', width: 1280, height: 660 },
	approval: { name: 'approval', width: 1120, height: 1280 },
};

const stage = JSON.parse(process.env.USHER_STAGE);
const box = new Mailbox(stage.mailbox);
const party = new Party(stage);
const GUEST = { given_name: 'Marguerite', family_name: 'Østergård', mail: 'marguerite@visitors.example' };
const PARTNER = { given_name: 'Idris', family_name: 'Okonkwo', mail: 'idris.okonkwo@partners.example' };
const PASSWORD = 'seven quiet harbours at dawn';
const CHANGED = 'nine loud mountains by night';
const RESET = 'four slow rivers in the spring';

// ---- the first page's weight ----
async function weight(looker) {
	let bytes = 0;
	const sizes = [];
	const count = (request) => sizes.push(request.sizes().then((s) => { bytes += s.responseBodySize + s.responseHeadersSize; }));
	looker.page.on('requestfinished', count);
	await looker.page.goto(`${stage.issuer}/register/guest`, { waitUntil: 'networkidle' });
	looker.page.off('requestfinished', count);
	await Promise.all(sizes);
	say(`the first page: ${sizes.length} requests, ${bytes} bytes`);
	expect(bytes < FIRST_PAGE && bytes > FIRST_PAGE / 10 && sizes.length >= 4, `${bytes} bytes in ${sizes.length} requests, ${FIRST_PAGE} at most`);
}

// ---- registration up to the address confirmed ----
async function register(looker, profile, person, more, names) {
	await looker.goto(`/register/${profile}`);
	await looker.look(`register-${profile}`);
	if (names) {
		await looker.fill({ mail: 'not an address', given_name: person.given_name });
		same((await looker.press('register')).status(), 422, 'status of a form with mistakes');
		same(await looker.page.inputValue('[name=given_name]'), person.given_name, 'what was typed');
		const focused = await looker.page.evaluate(() => document.activeElement.getAttribute('role'));
		same(focused, 'alert', 'role of what has the focus');
		expect((await looker.page.title()).startsWith('Error:'), 'the title does not begin with Error:');
		await looker.look('register-error');
	}
	await looker.fill({ ...person, ...more });
	same((await looker.press('register')).status(), 200, 'status of the registration');
	if (names) await looker.look('register-sent', /check your mail/i);
	await looker.goto(await box.link(person.mail, '/verify'));
	if (names) await looker.look('verify', /confirm/i);
	await looker.press('verify');
}

async function letterPage(browser, name, to, end) {
	const { letter } = await box.find(to, end);
	const page = await browser.newPage();
	await page.setContent(letter.html);
	for (const [form, size] of [['phone', { width: 390, height: 844 }], ['desktop', { width: 1280, height: 900 }]]) {
		await page.setViewportSize(size);
		await page.screenshot({ path: path.join(stage.shots, `mail-${name}-${form}-light.png`), fullPage: true, caret: 'initial' });
	}
	await test(`mail ${name}: nothing is fetched, nothing scrolls sideways`, async () => {
		expect(!/<(img|script|link|iframe)\b/i.test(letter.html), 'the mail fetches something');
		await page.setViewportSize({ width: 320, height: 640 });
		const wide = await page.evaluate(() => document.documentElement.scrollWidth);
		expect(wide <= 320, `${wide} px wide at 320`);
	});
	await page.close();
}

// ---- a guest at a desktop, without approval ----
async function guest(browser) {
	const looker = await Looker.open(browser, stage, 'desktop');
	await test('guest: the first page is light', () => weight(looker));
	await test('the checks of a page see what is wrong', () => looker.selfTest());
	await looker.goto('');
	await looker.look('home');
	await looker.goto('/register');
	await looker.look('register');
	await test('guest: registers, the page solves the proof of work', () => register(looker, 'guest', GUEST, { terms: true }, true));
	await test('guest: chooses a password', () => activate(looker));
	await test('guest: the used link says what to do', () => usedLink(looker));
	await letterPage(browser, 'verify', GUEST.mail, '/verify');
	await test('guest: logs in to the wiki', () => logIn(looker));
	await test('guest: consents to the report centre', () => consent(looker));
	await test('guest: account and password', () => account(looker));
	await test('guest: logs out', () => logOut(looker));
	await test('guest: forgotten password', () => reset(looker));
	await errors(looker, party);
	await looker.close();
}

async function activate(looker) {
	await looker.page.waitForURL(/\/activate\?/, { timeout: 15000 });
	await looker.look('activate', /password/i);
	await looker.fill({ password: 'marguerite' });
	same((await looker.press('activate')).status(), 422, 'status for a weak password');
	await looker.look('activate-error');
	await looker.fill({ password: PASSWORD, password_again: PASSWORD });
	same((await looker.press('activate')).status(), 200, 'status for a good password');
	GUEST.login = (await looker.page.locator('.shown').textContent()).trim();
	await looker.look('activated', /ready/i);
}

async function usedLink(looker) {
	const answer = await looker.goto(await box.link(GUEST.mail, '/verify'));
	expect(answer.status() === 410 || answer.status() === 404, `status of a used link: ${answer.status()}`);
	await looker.look('link-ended');
}

async function logIn(looker) {
	await looker.page.goto(`${party.address}/start?client=rs256`);
	await looker.look('login');
	await looker.fill({ username: GUEST.login, password: 'wrong' });
	const refused = await looker.press('login');
	expect([401, 422].includes(refused.status()), `status of a wrong password: ${refused.status()}`);
	same(await looker.page.inputValue('[name=username]'), GUEST.login, 'the user name that was typed');
	await looker.look('login-error');
	await looker.fill({ username: GUEST.login, password: PASSWORD });
	await looker.press('login');
	if (party.last?.error) throw party.last.error;
	same(party.last?.claims.email, GUEST.mail, 'email of the ID token');
	same(JSON.stringify(party.last.claims.roles), '["guest"]', 'roles of the ID token');
}

async function consent(looker) {
	await looker.page.goto(`${party.address}/start?client=asker`);
	await looker.look('consent');
	await looker.press('deny');
	same(party.last.error?.error, 'access_denied', 'what the application learns');
	await looker.page.goto(`${party.address}/start?client=asker`);
	await looker.press('allow');
	if (party.last.error) throw party.last.error;
	same(party.last.id, 'asker', 'who has tokens');
}

async function account(looker) {
	await looker.goto('/account');
	await looker.look('account');
	await looker.goto('/password');
	await looker.look('password');
	await looker.fill({ password: 'wrong', new_password: 'short' });
	expect((await looker.press('change')).status() >= 400, 'a wrong password was taken');
	await looker.look('password-error');
	await looker.fill({ password: PASSWORD, new_password: CHANGED });
	same((await looker.press('change')).status(), 200, 'status of the change');
	await looker.look('password-changed');
}

async function logOut(looker) {
	await looker.goto('/logout');
	await looker.look('logout');
	await looker.press('logout');
	await looker.look('logged-out');
	await looker.goto('/account');
	expect(looker.page.url().includes('/login'), `after the logout /account is ${looker.page.url()}`);
}

async function reset(looker) {
	await looker.goto('/reset');
	await looker.look('reset');
	await looker.fill({ username: GUEST.login });
	await looker.press('send');
	await looker.look('reset-sent');
	await looker.goto(await box.link(GUEST.mail, '/reset'));
	await looker.look('reset-set');
	await looker.fill({ password: RESET });
	same((await looker.press('change')).status(), 200, 'status of the new password');
	await looker.look('reset-done');
	await looker.goto('/login');
	await looker.fill({ username: GUEST.login, password: RESET });
	await looker.press('login');
	expect(!looker.page.url().includes('/login'), `the new password does not open: ${await looker.heading()}`);
}

// ---- a partner at a phone, approved by carol ----
async function partner(browser) {
	const looker = await Looker.open(browser, stage, 'phone');
	const more = { company: 'Okonkwo Engineering', purpose: 'The drawings of the new hall.' };
	await test('partner: registers at a phone', () => register(looker, 'partner', PARTNER, more, false));
	await looker.look('pending');
	await test('partner: the status page', async () => {
		await looker.goto(await box.link(PARTNER.mail, '/status'));
		await looker.look('status');
	});
	await test('partner: carol approves', () => approve(browser));
	await test('partner: chooses a password', async () => {
		await looker.goto(await box.link(PARTNER.mail, '/activate'));
		await looker.look('activate-partner');
		await looker.fill({ password: PASSWORD });
		same((await looker.press('activate')).status(), 200, 'status for a good password');
		PARTNER.login = (await looker.page.locator('.shown').textContent()).trim();
	});
	await test('partner: logs in to the wiki', async () => {
		await looker.page.goto(`${party.address}/start?client=rs256`);
		await looker.fill({ username: PARTNER.mail, password: PASSWORD });
		await looker.press('login');
		if (party.last?.error) throw party.last.error;
		expect(party.last.claims.roles.includes('partner'), `roles ${party.last.claims.roles}`);
	});
	await test('partner: the status page at the end', async () => {
		await looker.goto(await box.link(PARTNER.mail, '/status'));
		await looker.look('status-active');
	});
	await letterPage(browser, 'activate', PARTNER.mail, '/activate');
	await looker.close();
}

async function approve(browser) {
	const looker = await Looker.open(browser, stage, 'phone');
	const { link, letter } = await box.find('carol@example.test', (await pendingId(PARTNER.mail)));
	say(`carol reads: ${letter.subject}`);
	await looker.goto(link);
	await looker.fill({ username: 'carol', password: stage.password });
	await looker.press('login');
	same(looker.page.url(), link, 'where the login leads');
	await looker.look('approval');
	await looker.goto('/admin/registrations');
	await looker.look('approvals');
	await looker.goto(link);
	const text = await looker.page.locator('#plan').textContent();
	expect(text.includes(`mail: ${PARTNER.mail}`) && text.includes('dn: uid='), `the plan: ${text}`);
	await looker.page.check('#f-reject');
	await looker.press('decide');
	await looker.look('approval-error');
	await looker.page.check('[name="groups[]"][value^="cn=vpn"]');
	await looker.press('preview');
	await looker.look('approval-preview');
	await looker.page.check('#f-approve');
	same((await looker.press('decide')).status(), 200, 'status of the decision');
	await box.find(PARTNER.mail, '/activate');
	await looker.goto(link);
	await looker.look('approval-decided');
	await looker.goto('/account');
	await looker.look('account-approver');
	await looker.close();
}

// Where the request's link ends: its id, from the letters to the approver.
async function pendingId(mail) {
	const letters = box.letters('carol@example.test').filter((letter) => letter.text.includes(mail));
	const link = letters.at(-1)?.text.match(/\/admin\/registrations\/\w+/);
	expect(link, `no letter to carol about ${mail}`);
	return link[0];
}

async function relying(browser) {
	const looker = await Looker.open(browser, stage);
	await looker.goto('/login');
	await looker.fill({ username: 'carol', password: stage.password });
	await looker.press('login');
	await clients(looker, party);
	await looker.close();
}

const PARTS = { guest, partner, operations: (b) => operations(b, stage, box), frozen: (b) => frozen(b, stage, box), keyboard: (b) => keyboard(b, stage, box, party),
	plain: (b) => plain(b, stage, box, party), clients: relying };

async function main() {
	const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : null;
	fs.mkdirSync(stage.shots, { recursive: true });
	stage.keys = new Set(stage.keys);
	if (process.argv.includes('--update-screenshots')) {
		fs.mkdirSync(stage.docs, { recursive: true });
		stage.shown = SHOWN;
	}
	await party.listen();
	await party.config('rs256', 'RS256');
	const { ClientSecretPost } = await import('openid-client');
	await party.config('asker', 'RS256', ClientSecretPost(stage.secret));
	const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: CHROMIUM, env: { ...process.env, LC_ALL: 'C.UTF-8' } });
	for (const [name, part] of Object.entries(PARTS))
		if (!only || only === name) await test(`part ${name}`, () => part(browser));
	await browser.close();
	party.close();
	process.exitCode = end();
}

await main();
