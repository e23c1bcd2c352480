// Ways beside the main one: errors, operations, a frozen directory, a browser without JavaScript.
import { Looker } from './looker.mjs';
import { expect, same, test, until } from './tap.mjs';

const CONTRACTOR = { given_name: 'Ruth', family_name: 'Vandenbroucke', mail: 'ruth@contractors.example' };
const WAITING = { given_name: 'Lars', family_name: 'Quist', mail: 'lars.quist@visitors.example' };
const PLAIN = { given_name: 'Odile', family_name: 'Marchetti', mail: 'odile@visitors.example' };
const HEALED_S = 60; // a plan that failed is tried again after 2, 4, 8 … s
const PASSWORD = 'six copper kettles on the shelf';

// ---- what goes wrong ----
async function refused(looker, name, url, status, heading) {
	await test(`error: ${name}`, async () => {
		same((await looker.goto(url)).status(), status, 'status');
		await looker.look(`error-${name}`, heading);
	});
}

export async function errors(looker, party) {
	const stage = looker.stage;
	await refused(looker, 'unknown-page', '/nowhere', 404);
	await refused(looker, 'unknown-profile', '/register/nobody', 404);
	await refused(looker, 'no-link', '/activate?t=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 410);
	await refused(looker, 'unknown-application', '/authorize?client_id=nobody&response_type=code', 400);
	const elsewhere = await party.begin('rs256', { redirect_uri: 'https://elsewhere.example/' });
	await refused(looker, 'redirect', elsewhere.slice(stage.issuer.length), 400);
	await refused(looker, 'forbidden', '/admin/registrations', 403);
}

// ---- bob, an operator ----
async function contractor(looker) {
	await looker.goto('/register/contractor');
	await looker.look('register-contractor');
	await looker.fill({ ...CONTRACTOR, phone: 'call me', site: 'south', parking: true, why: 'x' });
	await looker.press('register');
	await looker.look('register-contractor-error');
	await looker.fill({ phone: '+49 30 1234567', begins: '2026-12-01' });
	same((await looker.press('register')).status(), 200, 'status of the registration');
}

async function reject(looker, box) {
	await looker.goto('/admin/registrations?q=Freight');
	await looker.look('approvals-search');
	await looker.goto('/admin/registrations');
	await looker.after(() => looker.page.locator('a.request').last().click());
	const mail = await looker.page.locator('.facts dd').first().textContent();
	await looker.page.check('#f-reject');
	await looker.fill({ reason: 'We do not know the company. Please ask your contact to write to us first.' });
	await looker.press('decide');
	await looker.look('approval-rejected');
	const { link } = await box.find(mail.trim(), '/status');
	const visitor = await Looker.open(looker.context.browser(), looker.stage, 'phone');
	await until(async () => /declined/i.test((await visitor.goto(link)) && (await visitor.page.textContent('main'))), 10, 'the status page says declined');
	await visitor.look('status-rejected');
	await visitor.close();
}

export async function operations(browser, stage, box) {
	const looker = await Looker.open(browser, stage);
	await test('operator: a form of every kind of field', () => contractor(looker));
	await test('operator: an account that cannot be made', async () => {
		await looker.goto(await box.link(CONTRACTOR.mail, '/verify'));
		await looker.press('verify');
		await looker.look('progress');
	});
	await looker.goto('/login');
	await looker.fill({ username: 'bob', password: stage.password });
	await looker.press('login');
	await test('operator: rejects', () => reject(looker, box));
	await test('operator: a job that was stopped', async () => {
		await until(async () => (await looker.goto('/admin/jobs')) && looker.page.locator('button[name=retry]').count(), 15, 'a stopped job');
		await looker.look('jobs');
		await looker.after(() => looker.page.locator('li', { has: looker.page.locator('button[name=retry]') }).locator('a').click());
		await looker.look('approval-parked');
		same((await looker.press('retry')).status(), 200, 'status of the retry');
		await looker.look('approval-retried');
	});
	for (const name of ['people', 'audit', 'health'])
		await test(`operator: ${name}`, async () => {
			same((await looker.goto(`/admin/${name}`)).status(), 200, 'status');
			await looker.look(name);
		});
	await test('operator: one person, changed', async () => {
		const preview = () => looker.after(() => looker.page.locator('button[name=preview]').first().click());
		await looker.goto('/admin/people?q=bob');
		await looker.after(() => looker.page.locator('.list strong a').first().click());
		await looker.look('person');
		const mail = await looker.page.inputValue('[name=set_mail]');
		await looker.fill({ set_mail: 'no address', set_given_name: 'Robert' });
		same((await preview()).status(), 422, 'status of a wrong address');
		await looker.look('person-wrong');
		await looker.fill({ set_mail: mail });
		same((await preview()).status(), 200, 'status of the preview');
		await looker.look('person-preview');
		same((await looker.press('apply')).status(), 200, 'status of the order');
		await looker.look('person-changed');
		same((await looker.after(() => looker.page.locator('form:has([name=remove]) button').click())).status(), 200, 'status of the look at its end');
		await looker.look('person-end');
	});
	await test('operator: the audit as a table', async () => {
		const table = await looker.context.request.get(`${stage.issuer}/admin/audit.csv`);
		expect(/^text\/csv/.test(table.headers()['content-type']) && (await table.text()).includes('\n'), 'no CSV');
	});
	await looker.close();
}

// ---- the directory does not answer ----
export async function frozen(browser, stage, box) {
	const looker = await Looker.open(browser, stage, 'phone');
	await looker.goto('/register/guest');
	await looker.fill({ ...WAITING, terms: true });
	await looker.press('register');
	await looker.goto(await box.link(WAITING.mail, '/verify'));
	process.kill(stage.slapd, 'SIGSTOP');
	try {
		await test('frozen: the page tells that it takes longer', async () => {
			same((await looker.press('verify')).status(), 200, 'status');
			await looker.look('progress-slow');
		});
		await test('frozen: the login tells that it cannot be now', async () => {
			await looker.goto('/login');
			await looker.fill({ username: 'alice', password: stage.password });
			same((await looker.press('login')).status(), 503, 'status');
			await looker.look('error-unavailable');
		});
	} finally {
		process.kill(stage.slapd, 'SIGCONT');
	}
	await test('frozen: after it the account is made', async () => {
		const { letter } = await box.find(WAITING.mail, '/activate', HEALED_S);
		expect(letter.html, 'a mail without HTML');
	});
	await looker.close();
}

// ---- no JavaScript ----
export async function plain(browser, stage, box, party) {
	const looker = await Looker.open(browser, stage, 'desktop', { javaScriptEnabled: false });
	await test('without JavaScript: registers', async () => {
		await looker.goto('/register/guest');
		await looker.fill({ ...PLAIN, terms: true });
		const answer = await looker.press('register');
		same(answer.status(), 200, `status of the registration (${await looker.heading()})`);
		await looker.goto(await box.link(PLAIN.mail, '/verify'));
		await looker.press('verify');
	});
	await test('without JavaScript: chooses a password', async () => {
		if (!looker.page.url().includes('/activate')) await looker.goto(await box.link(PLAIN.mail, '/activate'));
		await looker.fill({ password: PASSWORD });
		same((await looker.press('activate')).status(), 200, 'status');
	});
	await test('without JavaScript: logs in', async () => {
		await looker.page.goto(`${party.address}/start?client=rs256`);
		await looker.fill({ username: PLAIN.mail, password: PASSWORD });
		await looker.press('login');
		if (party.last?.error) throw party.last.error;
		same(party.last.claims.email, PLAIN.mail, 'email of the ID token');
	});
	await test('without JavaScript: nothing wrong', async () => expect(!looker.wrong.length, looker.wrong.join('\n')));
	await looker.close();
}
