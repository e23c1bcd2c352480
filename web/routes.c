/* Every way in. Literal segments stand before '*': the first row that matches wins. */
#include "web/endpoints/endpoints.h"
#include "web/pages/pages.h"

#define R    "/realms/{realm}"
#define GET  METHOD_GET
#define POST METHOD_POST

const struct route routes[] = {
	{"/", GET, PLACE_INLINE, GUARD_NONE, page_root, false},
	{"/static/*", GET, PLACE_INLINE, GUARD_NONE, endpoint_asset, false},

	/* OAuth 2.0 and OpenID Connect */
	{"/.well-known/oauth-authorization-server" R, GET, PLACE_INLINE, GUARD_CORS, endpoint_discovery, true},
	{R "/.well-known/openid-configuration", GET, PLACE_INLINE, GUARD_CORS, endpoint_discovery, true},
	{R "/jwks", GET, PLACE_INLINE, GUARD_CORS, endpoint_jwks, true},
	{R "/authorize", GET | POST, PLACE_WORKER, GUARD_SESSION, endpoint_authorize, false},
	{R "/authorize/resume", GET, PLACE_WORKER, GUARD_SESSION, endpoint_authorize_resume, false},
	{R "/token", POST, PLACE_TOKEN, GUARD_CLIENT | GUARD_CORS, endpoint_token, true},
	{R "/userinfo", GET | POST, PLACE_WORKER, GUARD_BEARER | GUARD_CORS, endpoint_userinfo, true},
	{R "/claims", GET | POST, PLACE_WORKER, GUARD_BEARER | GUARD_CORS, endpoint_claims, true},
	{R "/introspect", POST, PLACE_WORKER, GUARD_CLIENT, endpoint_introspect, true},
	{R "/revoke", POST, PLACE_WORKER, GUARD_CLIENT | GUARD_CORS, endpoint_revoke, true},
	{R "/logout", GET | POST, PLACE_WORKER, GUARD_SESSION, endpoint_logout,
		false}, /* checks the form's token by itself */

	/* registration */
	{R "/register", GET, PLACE_WORKER, GUARD_NONE, page_profiles, false},
	{R "/register/*", GET, PLACE_WORKER, GUARD_NONE, page_register, false},
	{R "/register/*", POST, PLACE_WORKER, GUARD_CSRF | GUARD_PROOF, page_register_submit, false},
	{R "/register/*/resend", POST, PLACE_WORKER, GUARD_CSRF, page_resend, false},
	{R "/verify", GET, PLACE_WORKER, GUARD_TICKET, page_verify, false},
	{R "/verify", POST, PLACE_WORKER, GUARD_CSRF | GUARD_TICKET, page_verify_submit, false},
	{R "/status", GET, PLACE_WORKER, GUARD_TICKET, page_status, false},
	{R "/status", POST, PLACE_WORKER, GUARD_CSRF | GUARD_TICKET, page_withdraw, false},
	{R "/activate", GET, PLACE_WORKER, GUARD_TICKET, page_activate, false},
	{R "/activate", POST, PLACE_WORKER, GUARD_CSRF | GUARD_TICKET, page_activate_submit, false},

	/* login and account */
	{R "/login", GET, PLACE_WORKER, GUARD_SESSION, page_login, false},
	{R "/login", POST, PLACE_WORKER, GUARD_CSRF, page_login_submit, false},
	{R "/consent", GET, PLACE_WORKER, GUARD_SESSION, page_consent, false},
	{R "/consent", POST, PLACE_WORKER, GUARD_CSRF | GUARD_SESSION, page_consent_submit, false},
	{R "/password", GET, PLACE_WORKER, GUARD_SESSION, page_password, false},
	{R "/password", POST, PLACE_WORKER, GUARD_CSRF | GUARD_SESSION, page_password_submit, false},
	{R "/reset", GET, PLACE_WORKER, GUARD_TICKET, page_reset, false},
	{R "/reset", POST, PLACE_WORKER, GUARD_CSRF | GUARD_TICKET, page_reset_submit, false},
	{R "/account", GET, PLACE_WORKER, GUARD_LOGIN, page_account, false},
	{R "/account", POST, PLACE_WORKER, GUARD_CSRF | GUARD_LOGIN, page_account_submit, false},

	/* approvers and operators */
	{R "/admin/registrations", GET, PLACE_WORKER, GUARD_LOGIN, page_registrations, false},
	{R "/admin/registrations/*", GET, PLACE_WORKER, GUARD_LOGIN, page_registration, false},
	{R "/admin/registrations/*", POST, PLACE_WORKER, GUARD_CSRF | GUARD_LOGIN, page_registration_decide, false},
	{R "/admin/registrations/*/retry", POST, PLACE_WORKER, GUARD_CSRF | GUARD_LOGIN, page_registration_retry,
		false},
	{R "/admin/registrations/*/resend", POST, PLACE_WORKER, GUARD_CSRF | GUARD_LOGIN, page_registration_resend,
		false},
	{R "/admin/jobs", GET, PLACE_WORKER, GUARD_LOGIN, page_jobs, false},
	{R "/admin/jobs", POST, PLACE_WORKER, GUARD_CSRF | GUARD_LOGIN, page_job_retry, false},
	{R "/admin/people", GET, PLACE_WORKER, GUARD_LOGIN, page_people, false},
	{R "/admin/people/*", GET, PLACE_WORKER, GUARD_LOGIN, page_person, false},
	{R "/admin/people/*", POST, PLACE_WORKER, GUARD_CSRF | GUARD_LOGIN, page_person_change, false},
	{R "/admin/people/*/plan", POST, PLACE_WORKER, GUARD_CSRF | GUARD_LOGIN, page_person_plan, false},
	{R "/admin/health", GET, PLACE_WORKER, GUARD_LOGIN, page_health, false},
	{R "/admin/audit", GET, PLACE_WORKER, GUARD_LOGIN, page_audit, false},
	{R "/admin/audit.csv", GET, PLACE_WORKER, GUARD_LOGIN, page_audit_export, false},

	/* theme and start */
	{R "/logo", GET, PLACE_WORKER, GUARD_NONE, endpoint_logo, false},
	{R, GET, PLACE_WORKER, GUARD_SESSION, page_home, false},
	{R "/", GET, PLACE_WORKER, GUARD_SESSION, page_home, false},
	{R "/theme/*", GET, PLACE_INLINE, GUARD_NONE, endpoint_theme, false},
};
const size_t n_routes = COUNT(routes);
