// Results in the Test Anything Protocol.
let count = 0;
let bad = 0;

export class Failed extends Error {}

export function expect(good, ...what) {
	if (!good) throw new Failed(what.join(' '));
}

export function same(got, wanted, what) {
	expect(got === wanted, `${what}: ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
}

export function say(text) {
	for (const line of String(text).split('\n')) console.log(`# ${line}`);
}

// One check: good unless it throws. Returns whether it was good.
export async function test(name, run) {
	const begun = Date.now();
	try {
		await run();
		console.log(`ok ${++count} - ${name} # ${((Date.now() - begun) / 1000).toFixed(1)} s`);
		return true;
	} catch (error) {
		bad++;
		console.log(`not ok ${++count} - ${name}`);
		say(error instanceof Failed ? error.message : error.stack ?? error);
		if (error.cause) say(`because of ${JSON.stringify(error.cause)} ${error.cause.stack ?? ''}`);
		return false;
	}
}

// The plan; returns the exit code.
export function end() {
	console.log(`1..${count}`);
	return bad || !count ? 1 : 0;
}

export async function until(look, seconds, what) {
	const last = Date.now() + seconds * 1000;
	for (;;) {
		const seen = await look();
		if (seen) return seen;
		expect(Date.now() < last, `${what}: not within ${seconds} s`);
		await new Promise((done) => setTimeout(done, 50));
	}
}
