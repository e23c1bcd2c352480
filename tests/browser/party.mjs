// An application on loopback that logs people in with openid-client.
import http from 'node:http';
import * as oidc from 'openid-client';

const SCOPE = 'openid profile email roles offline_access';

export class Party {
	constructor(stage) {
		this.stage = stage;
		this.address = `http://127.0.0.1:${stage.port}`;
		this.configs = new Map();
		this.pending = new Map(); // state → what the answer is checked with
		this.last = null; // the latest login: {id, config, tokens} or {error}
	}

	// Discovery once for each client; alg of its ID tokens, auth as openid-client spells it.
	async config(id, alg, auth = oidc.ClientSecretBasic(this.stage.secret), algorithm = 'oidc') {
		if (!this.configs.has(id)) {
			const metadata = { client_secret: this.stage.secret, id_token_signed_response_alg: alg, use_mtls_endpoint_aliases: false };
			const options = { execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks], algorithm };
			this.configs.set(id, await oidc.discovery(new URL(this.stage.issuer), id, metadata, auth, options));
		}
		return this.configs.get(id);
	}

	async begin(id, more = {}) {
		const config = this.configs.get(id);
		const verifier = oidc.randomPKCECodeVerifier();
		const state = oidc.randomState();
		const nonce = oidc.randomNonce();
		this.pending.set(state, { id, config, verifier, nonce });
		return oidc.buildAuthorizationUrl(config, {
			redirect_uri: `${this.address}/callback`, scope: SCOPE, state, nonce,
			code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more,
		}).href;
	}

	async callback(url) {
		const state = url.searchParams.get('state');
		const { id, config, verifier, nonce } = this.pending.get(state);
		const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
		const tokens = await oidc.authorizationCodeGrant(config, url, checks);
		this.last = { id, config, tokens, claims: tokens.claims() };
		return `Welcome, ${this.last.claims.sub}`;
	}

	async answer(request) {
		const url = new URL(request.url, this.address);
		if (url.pathname === '/start') return { to: await this.begin(url.searchParams.get('client')) };
		if (url.pathname === '/callback') return { text: await this.callback(url) };
		if (url.pathname === '/logout') {
			const hint = { id_token_hint: this.last.tokens.id_token, post_logout_redirect_uri: `${this.address}/goodbye`, state: 'bye' };
			return { to: oidc.buildEndSessionUrl(this.last.config, hint).href };
		}
		return url.pathname === '/goodbye' ? { text: `Goodbye, ${url.searchParams.get('state')}` } : { status: 404, text: 'Not here' };
	}

	async listen() {
		this.server = http.createServer(async (request, response) => {
			let got;
			try {
				got = await this.answer(request);
			} catch (error) {
				this.last = { error };
				got = { text: `Refused: ${error.error ?? error.code ?? error.message}` };
			}
			const headers = { 'content-type': 'text/html; charset=utf-8', ...(got.to && { location: got.to }) };
			response.writeHead(got.to ? 302 : got.status ?? 200, headers);
			response.end(`<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Application</title><h1>${got.text ?? ''}</h1></html>`);
		});
		await new Promise((done) => this.server.listen(this.stage.port, '127.0.0.1', done));
	}

	close() {
		this.server.closeAllConnections();
		this.server.close();
	}
}
