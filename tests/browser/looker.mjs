// A person's browser, and what is demanded of every page that it shows.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { small } from './png.mjs';
import { expect, say, test } from './tap.mjs';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FORMS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };
const NARROWEST = { width: 320, height: 640 };
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

function violation(found) {
	const nodes = found.nodes.slice(0, 3).map((node) => `\n    ${node.target.join(' ')}: ${node.failureSummary?.split('\n').slice(1).join(';').trim()}`);
	return `axe ${found.impact} ${found.id}: ${found.help}${nodes.join('')}`;
}

async function audit(page) {
	await page.evaluate(axe);
	const rules = { type: 'tag', values: RULES };
	const result = await page.evaluate((only) => window.axe.run(document, { resultTypes: ['violations'], runOnly: only }), rules);
	return result.violations.map((found) => ({ grave: ['serious', 'critical'].includes(found.impact), text: violation(found) }));
}

async function wider(page) {
	return page.evaluate(() => {
		const wide = document.documentElement.scrollWidth;
		const over = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.tabs'));
		return wide > innerWidth ? `${wide} px wide: ${over.slice(0, 3).map((e) => e.outerHTML.slice(0, 80)).join(' | ')}` : '';
	});
}

// What is read on the page. An action of the audit beside its words is a name, and some have the name of a text.
function wordsOf(page) {
	return page.evaluate(() => {
		const names = [...document.querySelectorAll('li > code')].map((e) => e.innerText);
		return names.reduce((text, name) => text.replace(name, ''), document.body.innerText);
	});
}

// Keys of texts ("login.title") that stand on the page in place of the text.
function keysIn(text, keys) {
	return text.split(/[^\w.]+/).filter((word) => keys.has(word) || /^(consent|state|audit|job|error|timeline|usual)\.[a-z_.]+$/.test(word));
}

export class Looker {
	// options: of the browser's context. Everything that a page does wrong is collected in this.wrong.
	static async open(browser, stage, form = 'desktop', options = {}) {
		const looker = new Looker();
		looker.stage = stage;
		looker.form = form;
		looker.wrong = [];
		looker.context = await browser.newContext({ viewport: FORMS[form], hasTouch: form === 'phone', colorScheme: 'light', locale: 'en-GB', timezoneId: 'UTC', ...options });
		await looker.context.addInitScript(() => {
			addEventListener('securitypolicyviolation', (e) => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`));
		});
		looker.page = await looker.context.newPage();
		looker.page.setDefaultTimeout(20000);
		looker.watch();
		return looker;
	}

	watch() {
		const { page, wrong, stage } = this;
		const own = [new URL(stage.issuer).origin, `http://127.0.0.1:${stage.port}`];
		page.on('console', (message) => {
			const refused = message.text().startsWith('Failed to load resource') && message.location().url.split('#')[0] === page.url().split('#')[0];
			if (['error', 'warning'].includes(message.type()) && !refused) wrong.push(`console: ${message.text()} (${message.location().url})`);
		});
		page.on('pageerror', (error) => wrong.push(`script: ${error.message}`));
		page.on('request', (request) => {
			if (!own.includes(new URL(request.url()).origin) && /^https?:/.test(request.url())) wrong.push(`request elsewhere: ${request.url()}`);
		});
		page.on('requestfailed', (request) => {
			const why = request.failure()?.errorText; // what a navigation cuts off is aborted
			if (why !== 'net::ERR_ABORTED') wrong.push(`request failed: ${request.url()} ${why}`);
		});
	}

	async goto(url) {
		return this.page.goto(url.startsWith('http') ? url : this.stage.issuer + url);
	}

	// Does what leads to another page; the last answer of the way there.
	async after(act) {
		const [response] = await Promise.all([this.page.waitForNavigation({ waitUntil: 'load' }), act()]);
		return response;
	}

	// Presses the button of this name and waits for the page behind it.
	async press(name) {
		return this.after(() => this.page.locator(`button[name="${name}"]`).click());
	}

	async fill(values) {
		for (const [name, value] of Object.entries(values)) {
			const field = this.page.locator(`[name="${name}"]:not([type=hidden])`).first();
			if (value === true) await field.check();
			else if (await field.evaluate((e) => e.tagName === 'SELECT')) await field.selectOption(value);
			else await field.fill(value);
		}
	}

	async heading() {
		return (await this.page.locator('h1').first().textContent()).trim();
	}

	// The page as it stands: axe in both schemes, four screenshots, no sideways scrolling at 320 px, nothing wrong on the console.
	async look(name, heading) {
		return test(`page ${name}`, async () => {
			const wrong = [];
			if (heading) expect(heading.test(await this.heading()), `the page is ${JSON.stringify(await this.heading())} at ${this.page.url()}`);
			await this.page.waitForLoadState('load');
			for (const scheme of ['light', 'dark']) await this.shoot(name, scheme, wrong);
			await this.page.emulateMedia({ colorScheme: 'light' });
			await this.page.setViewportSize(NARROWEST);
			const over = await wider(this.page);
			if (over) wrong.push(`scrolls sideways at 320 px, ${over}`);
			const raw = keysIn(await wordsOf(this.page), this.stage.keys);
			if (raw.length) wrong.push(`keys in place of texts: ${raw.join(' ')}`);
			if (this.stage.shown?.[name]) await this.show(this.stage.shown[name]);
			await this.page.setViewportSize(FORMS[this.form]);
			wrong.push(...this.wrong.splice(0));
			expect(!wrong.length, wrong.join('\n'));
		});
	}

	async shoot(name, scheme, wrong) {
		await this.page.emulateMedia({ colorScheme: scheme });
		for (const [form, size] of Object.entries(FORMS)) {
			await this.page.setViewportSize(size);
			const file = path.join(this.stage.shots, `${name}-${form}-${scheme}.png`);
			await this.page.screenshot({ path: file, fullPage: true, caret: 'initial' });
			if ((form === 'phone') === (scheme === 'dark'))
				for (const found of await audit(this.page)) {
					if (found.grave) wrong.push(`${form} ${scheme}: ${found.text}`);
					else say(`${name} ${form} ${scheme}: ${found.text}`);
				}
		}
	}

	// That the checks see what is wrong: an inline script, a request elsewhere, a nameless image, grey on grey, a wide box.
	async selfTest() {
		await this.goto('/login');
		await this.page.evaluate(() => {
			const script = document.createElement('script');
			script.textContent = 'window.ran = true';
			const image = new Image();
			image.src = 'http://127.0.0.1:9/elsewhere.png';
			const box = document.createElement('p');
			box.textContent = 'grey on grey';
			for (const [name, value] of [['color', '#999'], ['background', '#aaa'], ['width', '2000px']]) box.style.setProperty(name, value);
			document.querySelector('main').append(script, image, box);
		});
		const found = (await audit(this.page)).filter((one) => one.grave).map((one) => one.text);
		expect(found.some((text) => text.includes('image-alt')), 'axe does not see an image without a name');
		expect(found.some((text) => text.includes('color-contrast')), 'axe does not see grey on grey');
		expect(await wider(this.page), 'a wide box is not seen');
		expect(this.wrong.some((text) => text.includes('CSP: script-src')), `an inline script is not seen: ${this.wrong}`);
		expect(this.wrong.some((text) => text.includes('request elsewhere') || text.includes('CSP: img-src')), `a request elsewhere is not seen: ${this.wrong}`);
		this.wrong.length = 0;
	}

	// What the reader sees first, for the docs.
	async show({ name, width, height }) {
		await this.page.setViewportSize({ width, height });
		fs.writeFileSync(path.join(this.stage.docs, `${name}.png`), small(await this.page.screenshot({ caret: 'initial' })));
	}

	async close() {
		await this.context.close();
	}
}
