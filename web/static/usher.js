/* Only improves what works without it. */
(function () {
	"use strict";
	var each = function (selector, run) { Array.prototype.forEach.call(document.querySelectorAll(selector), run); };

	/* ---- SHA-256 (FIPS 180-4) of ASCII text: synchronous, since SubtleCrypto answers late and is not there on plain http ---- */
	var K = [], H = [];
	(function () {
		var fraction = function (x) { return (x - Math.floor(x)) * 4294967296 | 0; };
		for (var n = 2; K.length < 64; n++) {
			var prime = true;
			for (var d = 2; d * d <= n; d++)
				if (n % d === 0) prime = false;
			if (!prime) continue;
			if (H.length < 8) H.push(fraction(Math.sqrt(n)));
			K.push(fraction(Math.cbrt(n)));
		}
	})();
	var w = new Int32Array(64), h = new Int32Array(8);
	function block(bytes, at) {
		var i, a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];
		for (i = 0; i < 16; i++, at += 4)
			w[i] = bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
		for (; i < 64; i++) {
			var x = w[i - 15], y = w[i - 2];
			w[i] = ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) + w[i - 7] +
				((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10) + w[i - 16] | 0;
		}
		for (i = 0; i < 64; i++) {
			var t = k + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (g ^ e & (f ^ g)) + K[i] + w[i] | 0;
			var u = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c) | 0;
			k = g; g = f; f = e; e = d + t | 0; d = c; c = b; b = a; a = t + u | 0;
		}
		h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += k;
	}
	function sha256(text) {
		var n = text.length, size = (n + 72 >> 6) << 6, bytes = new Uint8Array(size), i;
		for (i = 0; i < n; i++) bytes[i] = text.charCodeAt(i);
		bytes[n] = 128;
		for (i = 0; i < 4; i++) bytes[size - 1 - i] = n * 8 >>> i * 8;
		h.set(H);
		for (i = 0; i < size; i += 64) block(bytes, i);
		return h;
	}

	/* ---- proof of work: begun with the page, so that it is done when the form is ---- */
	function solve(challenge, done) {
		var bits = +challenge.split(".")[3], n = 0;
		function begins(hash) {
			var whole = bits >> 5, rest = bits & 31;
			for (var i = 0; i < whole; i++)
				if (hash[i]) return false;
			return !rest || hash[whole] >>> 32 - rest === 0;
		}
		(function some() {
			var until = Date.now() + 12;
			do {
				for (var i = 0; i < 64; i++, n++)
					if (begins(sha256(challenge + "." + n))) return done(n);
			} while (Date.now() < until);
			setTimeout(some, 0);
		})();
	}
	function busy(form, button) {
		var words = form.getAttribute("data-wait");
		if (!button) return;
		button.setAttribute("aria-disabled", "true");
		if (words) {
			button.setAttribute("data-words", button.textContent);
			button.textContent = words;
		}
	}
	function idle(form) {
		Array.prototype.forEach.call(form.querySelectorAll("button[aria-disabled]"), function (b) {
			b.removeAttribute("aria-disabled");
			if (b.hasAttribute("data-words")) b.textContent = b.getAttribute("data-words");
		});
	}
	each("form[data-proof]", function (form) {
		var answer = form.elements.pow_answer, waiting = null;
		solve(form.elements.pow_challenge.value, function (n) {
			answer.value = n;
			if (!waiting) return;
			var send = HTMLFormElement.prototype.requestSubmit;
			send ? send.call(form, waiting) : HTMLFormElement.prototype.submit.call(form);
		});
		form.addEventListener("submit", function (event) {
			if (answer.value) return;
			event.preventDefault();
			event.stopImmediatePropagation();
			if (waiting) return;
			waiting = event.submitter || form.querySelector("button[type=submit]");
			busy(form, waiting);
		});
	});
	/* A second click sends nothing twice; a page that comes back from the browser's memory is as it was. */
	each("form[data-once]", function (form) {
		var sent = false;
		form.addEventListener("submit", function (event) {
			if (sent) return event.preventDefault();
			sent = true;
			setTimeout(function () { busy(form, event.submitter); }, 0);
		});
		addEventListener("pageshow", function (event) {
			if (!event.persisted) return;
			sent = false;
			idle(form);
		});
	});
	each("form[data-send]", function (form) { HTMLFormElement.prototype.submit.call(form); });

	/* ---- passwords can be shown ---- */
	each(".secret[data-show]", function (box) {
		var input = box.querySelector("input"), button = document.createElement("button");
		button.type = "button";
		button.textContent = box.getAttribute("data-show");
		button.setAttribute("aria-controls", input.id);
		button.addEventListener("click", function () {
			var show = input.type === "password";
			input.type = show ? "text" : "password";
			button.textContent = box.getAttribute(show ? "data-hide" : "data-show");
		});
		if (input.form) input.form.addEventListener("submit", function () { input.type = "password"; });
		box.classList.add("shows");
		box.appendChild(button);
	});

	/* ---- the summary of what is wrong takes the focus, and its links lead to the fields ---- */
	var problems = document.querySelector(".problems[role=alert]");
	if (problems) problems.focus();

	/* ---- copy ---- */
	each("button[data-copy]", function (button) {
		var from = document.querySelector(button.getAttribute("data-copy")), words = button.textContent;
		if (!from) return;
		button.hidden = false;
		function said() {
			button.textContent = button.getAttribute("data-done");
			setTimeout(function () { button.textContent = words; }, 2000);
		}
		button.addEventListener("click", function () {
			if (navigator.clipboard) return navigator.clipboard.writeText(from.textContent).then(said);
			var range = document.createRange(), selection = getSelection();
			range.selectNodeContents(from);
			selection.removeAllRanges();
			selection.addRange(range);
			if (document.execCommand("copy")) said();
		});
	});

	/* ---- a page that waits looks again by itself, while it is seen ---- */
	each("a[data-again]", function (link) {
		setTimeout(function look() {
			if (document.hidden) return setTimeout(look, 2000);
			location.replace(link.href);
		}, 15000);
	});

	/* ---- times in the reader's language and zone; the exact one stays in datetime ---- */
	each("time[datetime]", function (time) {
		var at = new Date(time.getAttribute("datetime"));
		if (isNaN(at) || !window.Intl) return;
		time.title = time.textContent;
		time.textContent = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(at);
	});
})();
