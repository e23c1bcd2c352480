// openid-client against every endpoint, with a client for each signature algorithm.
import * as oidc from 'openid-client';
import { expect, same, test } from './tap.mjs';

const HASHES = ['RS256', 'ES256', 'PS256', 'EdDSA'];

function header(token) {
	return JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString());
}

async function refused(run, wanted, what) {
	try {
		await run();
	} catch (error) {
		same(error.error ?? error.code, wanted, what);
		return;
	}
	expect(false, `${what}: it was not refused`);
}

// Logs in by the looker's session; the tokens of this client.
async function tokensOf(looker, party, id) {
	await looker.page.goto(`${party.address}/start?client=${id}`);
	if (party.last?.error) throw party.last.error;
	expect(party.last?.id === id, `no answer to ${id}: ${looker.page.url()}`);
	return party.last;
}

async function lifeOfTokens({ config, tokens, claims }) {
	const info = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
	same(info.email, 'carol@example.test', 'email of userinfo');
	const seen = await oidc.tokenIntrospection(config, tokens.access_token);
	same(seen.active, true, 'active');
	same(seen.sub, claims.sub, 'sub of the introspection');
	const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token);
	expect(fresh.refresh_token !== tokens.refresh_token, 'the refresh token was not rotated');
	same(fresh.claims()?.sub, claims.sub, 'sub after the refresh');
	await oidc.tokenRevocation(config, fresh.refresh_token);
	same((await oidc.tokenIntrospection(config, fresh.access_token)).active, false, 'active after the revocation');
	await refused(() => oidc.refreshTokenGrant(config, fresh.refresh_token), 'invalid_grant', 'refresh by a revoked token');
}

async function ofAlgorithm(looker, party, alg) {
	const id = alg.toLowerCase();
	const auth = alg === 'ES256' ? oidc.ClientSecretBasic(party.stage.secret) : undefined;
	await party.config(id, alg, auth);
	let login;
	await test(`openid-client ${alg}: discovery, code and PKCE, ID token`, async () => {
		login = await tokensOf(looker, party, id);
		same(header(login.tokens.id_token).alg, alg, 'alg of the ID token');
		expect(login.claims.roles?.includes('approver'), `roles ${JSON.stringify(login.claims)}`);
		expect(login.claims.at_hash && login.claims.auth_time, 'at_hash and auth_time');
	});
	if (login) await test(`openid-client ${alg}: userinfo, introspection, refresh, revocation`, () => lifeOfTokens(login));
	await test(`openid-client ${alg}: client credentials`, async () => {
		const config = await party.config(id, alg);
		const tokens = await oidc.clientCredentialsGrant(config, { scope: 'reports' });
		same(header(tokens.access_token).alg, alg, 'alg of the access token');
		same((await oidc.tokenIntrospection(config, tokens.access_token)).active, true, 'active');
		await refused(() => oidc.clientCredentialsGrant(config, { scope: 'else' }), 'invalid_scope', 'a scope of nobody');
	});
}

async function metadata(party) {
	const both = [await party.config('rs256', 'RS256'), null];
	const options = { execute: [oidc.allowInsecureRequests], algorithm: 'oauth2' };
	both[1] = await oidc.discovery(new URL(party.stage.issuer), 'rs256', party.stage.secret, undefined, options);
	const [openid, oauth] = both.map((config) => config.serverMetadata());
	for (const name of ['issuer', 'token_endpoint', 'jwks_uri', 'end_session_endpoint']) same(oauth[name], openid[name], name);
	expect(openid.supportsPKCE('S256'), 'PKCE S256 is not announced');
	expect(openid.authorization_response_iss_parameter_supported, 'iss in the answer (RFC 9207) is not announced');
	for (const alg of HASHES) expect(openid.id_token_signing_alg_values_supported.includes(alg), `${alg} is not announced`);
}

async function publicClient(looker, party) {
	await party.config('page', 'ES256', oidc.None());
	const { config, tokens, claims } = await tokensOf(looker, party, 'page');
	same((await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)).sub, claims.sub, 'sub of userinfo');
	const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token);
	await refused(() => oidc.refreshTokenGrant(config, tokens.refresh_token), 'invalid_grant', 'refresh by a used token');
	await refused(() => oidc.refreshTokenGrant(config, fresh.refresh_token), 'invalid_grant', 'refresh after a member was used twice');
}

async function endSession(looker, party) {
	await tokensOf(looker, party, 'rs256');
	await looker.page.goto(`${party.address}/logout`);
	same(await looker.heading(), 'Goodbye, bye', 'after the logout');
	await looker.page.goto(`${party.address}/start?client=rs256`);
	expect(looker.page.url().startsWith(`${party.stage.issuer}/login`), `after the logout: ${looker.page.url()}`);
}

async function silent(looker, party) {
	await looker.page.goto(await party.begin('rs256', { prompt: 'none' }));
	same(party.last.error?.error, 'login_required', 'prompt=none without a session');
	party.last = null;
}

// looker: a browser with a session of carol.
export async function clients(looker, party) {
	await test('openid-client: metadata by both addresses', () => metadata(party));
	for (const alg of HASHES) await ofAlgorithm(looker, party, alg);
	await test('openid-client: a public client', () => publicClient(looker, party));
	await test('openid-client: end of the session', () => endSession(looker, party));
	await test('openid-client: prompt=none', () => silent(looker, party));
}
