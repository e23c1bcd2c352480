// Registration and login by Tab, Space and Enter alone.
import { Looker } from './looker.mjs';
import { expect, same, test } from './tap.mjs';

const PERSON = { mail: 'keys@visitors.example', given_name: 'Kim', family_name: 'Ståhl' };
const PASSWORD = 'eleven brass keys on a ring';
const FARTHEST = 30; // presses of Tab

async function focus(page) {
	return page.evaluate(() => {
		const e = document.activeElement;
		const style = getComputedStyle(e);
		const box = e.getBoundingClientRect();
		const shown = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== 'none';
		return { name: e.getAttribute('name') ?? '', tag: e.tagName, text: e.textContent.trim().slice(0, 40), shown, inView: box.bottom > 0 && box.top < innerHeight };
	});
}

// Presses Tab until the element of this name has the focus; every stop must be visible.
async function reach(looker, name) {
	const stops = [];
	for (let i = 0; i < FARTHEST; i++) {
		const at = await focus(looker.page);
		if (at.tag !== 'BODY') expect(at.shown && at.inView, `the focus is not seen at ${JSON.stringify(at)}`);
		if (at.name === name) return;
		stops.push(at.name || at.text || at.tag);
		await looker.page.keyboard.press('Tab');
	}
	expect(false, `${name} is not reached by Tab: ${stops.join(' → ')}`);
}

async function type(looker, values) {
	for (const [name, value] of Object.entries(values)) {
		await reach(looker, name);
		await (value === true ? looker.page.keyboard.press('Space') : looker.page.keyboard.type(value));
	}
}

async function enter(looker, button) {
	if (button) await reach(looker, button);
	return (await looker.after(() => looker.page.keyboard.press('Enter'))).status();
}

async function skip(looker) {
	await looker.goto('/register/guest');
	await looker.page.keyboard.press('Tab');
	const first = await focus(looker.page);
	expect(/skip/i.test(first.text) && first.shown && first.inView, `the first stop is ${JSON.stringify(first)}`);
	await looker.page.keyboard.press('Enter');
	expect(looker.page.url().endsWith('#main'), 'the skip link does not lead to the content');
}

async function register(looker, box) {
	await looker.goto('/register/guest');
	same(await enter(looker, 'register'), 422, 'status of an empty form');
	await looker.page.keyboard.press('Tab');
	await looker.page.keyboard.press('Enter');
	same((await focus(looker.page)).name, 'mail', 'where the first link of the summary leads');
	await type(looker, { ...PERSON, terms: true });
	same(await enter(looker, 'register'), 200, 'status of the registration');
	await looker.goto(await box.link(PERSON.mail, '/verify'));
	await enter(looker, 'verify');
	await looker.page.waitForURL(/\/activate\?/);
	await type(looker, { password: PASSWORD });
	same(await enter(looker), 200, 'status of the password, by Enter in the field');
}

async function logIn(looker, party) {
	await looker.page.goto(`${party.address}/start?client=rs256`);
	same((await focus(looker.page)).name, 'username', 'what has the focus on the login page');
	await type(looker, { username: PERSON.mail, password: PASSWORD });
	await enter(looker);
	if (party.last?.error) throw party.last.error;
	same(party.last?.claims.email, PERSON.mail, 'email of the ID token');
}

export async function keyboard(browser, stage, box, party) {
	const looker = await Looker.open(browser, stage);
	await test('keyboard: the skip link', () => skip(looker));
	await test('keyboard: registers', () => register(looker, box));
	await test('keyboard: logs in', () => logIn(looker, party));
	await test('keyboard: nothing wrong', async () => expect(!looker.wrong.length, looker.wrong.join('\n')));
	await looker.close();
}
