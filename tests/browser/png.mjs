// A screenshot made small: at most 256 colours in a palette, packed as tightly as zlib can (PNG, third edition, 9 to 11).
import zlib from 'node:zlib';

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

function chunk(type, data) {
	const body = Buffer.concat([Buffer.from(type), data]);
	const frame = Buffer.alloc(8);
	frame.writeUInt32BE(data.length, 0);
	frame.writeUInt32BE(zlib.crc32(body), 4);
	return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

function read(png) {
	const data = [];
	for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
		if (png.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
	return { width: png.readUInt32BE(16), height: png.readUInt32BE(20), size: png[25] === 6 ? 4 : 3, rows: zlib.inflateSync(Buffer.concat(data)) };
}

function paeth(a, b, c) {
	const [x, y, z] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
	return x <= y && x <= z ? a : y <= z ? b : c;
}

// The bytes of all pixels, filters undone.
function pixels({ width, height, size, rows }) {
	const line = width * size;
	const out = Buffer.alloc(line * height);
	for (let y = 0; y < height; y++)
		for (let x = 0; x < line; x++) {
			const at = y * line + x;
			const a = x >= size ? out[at - size] : 0;
			const b = y ? out[at - line] : 0;
			const c = x >= size && y ? out[at - line - size] : 0;
			const guess = [0, a, b, (a + b) >> 1, paeth(a, b, c)][rows[y * (line + 1)]];
			out[at] = rows[y * (line + 1) + 1 + x] + guess;
		}
	return out;
}

// The 256 colours that are seen most; every other becomes the nearest of them.
function palette(bytes, size) {
	const seen = new Map();
	const keys = new Uint32Array(bytes.length / size);
	for (let i = 0; i < keys.length; i++) {
		keys[i] = (bytes[i * size] << 16) | (bytes[i * size + 1] << 8) | bytes[i * size + 2];
		seen.set(keys[i], (seen.get(keys[i]) ?? 0) + 1);
	}
	const colours = [...seen.keys()].sort((x, y) => seen.get(y) - seen.get(x)).slice(0, 256).map((k) => [k >> 16, (k >> 8) & 255, k & 255]);
	const distance = (k, [r, g, b]) => ((k >> 16) - r) ** 2 + (((k >> 8) & 255) - g) ** 2 + ((k & 255) - b) ** 2;
	const nearest = new Map([...seen.keys()].map((k) => [k, colours.reduce((best, c, i) => (distance(k, c) < distance(k, colours[best]) ? i : best), 0)]));
	return { indices: Buffer.from(Array.from(keys, (k) => nearest.get(k))), colours: Buffer.from(colours.flat()) };
}

export function small(png) {
	const image = read(png);
	const { indices, colours } = palette(pixels(image), image.size);
	const lines = [];
	for (let y = 0; y < image.height; y++) lines.push(Buffer.from([0]), indices.subarray(y * image.width, (y + 1) * image.width));
	const head = Buffer.from(png.subarray(16, 29));
	head.set([8, 3, 0, 0, 0], 8);
	const data = zlib.deflateSync(Buffer.concat(lines), { level: 9 });
	return Buffer.concat([SIGNATURE, chunk('IHDR', head), chunk('PLTE', colours), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}
