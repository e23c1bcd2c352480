#include "base/error.h"

static const struct err_row rows[ERR_COUNT] = {
	[OK] = {"ok", 200, "server_error", LEVEL_DEBUG, false, "error.ok"},
	[ERR_INVALID] = {"invalid", 400, "invalid_request", LEVEL_INFO, false, "error.invalid"},
	[ERR_FIELDS] = {"fields", 422, "invalid_request", LEVEL_DEBUG, false, "error.fields"},
	[ERR_NOT_FOUND] = {"not_found", 404, "invalid_request", LEVEL_DEBUG, false, "error.not_found"},
	[ERR_METHOD] = {"method", 405, "invalid_request", LEVEL_DEBUG, false, "error.method"},
	[ERR_EXISTS] = {"exists", 409, "invalid_request", LEVEL_INFO, false, "error.exists"},
	[ERR_STALE] = {"stale", 409, "invalid_request", LEVEL_INFO, false, "error.stale"},
	[ERR_EXPIRED] = {"expired", 410, "invalid_request", LEVEL_INFO, false, "error.expired"},
	[ERR_LOGIN] = {"login", 401, "login_required", LEVEL_DEBUG, false, "error.login"},
	[ERR_DENIED] = {"denied", 403, "access_denied", LEVEL_WARNING, false, "error.denied"},
	[ERR_CREDENTIALS] = {"credentials", 401, "access_denied", LEVEL_INFO, false, "error.credentials"},
	[ERR_TOO_LARGE] = {"too_large", 413, "invalid_request", LEVEL_INFO, false, "error.too_large"},
	[ERR_TOO_MANY] = {"too_many", 429, "temporarily_unavailable", LEVEL_INFO, false, "error.too_many"},
	[ERR_REFUSED] = {"refused", 502, "server_error", LEVEL_ERROR, false, "error.refused"},
	[ERR_UNAVAILABLE] = {"unavailable", 503, "temporarily_unavailable", LEVEL_WARNING, true, "error.unavailable"},
	[ERR_TIMEOUT] = {"timeout", 503, "temporarily_unavailable", LEVEL_WARNING, true, "error.timeout"},
	[ERR_CONFIG] = {"config", 500, "server_error", LEVEL_ERROR, false, "error.config"},
	[ERR_INTERNAL] = {"internal", 500, "server_error", LEVEL_ERROR, false, "error.internal"},
	[ERR_CLIENT] = {"client", 401, "invalid_client", LEVEL_INFO, false, "error.client"},
	[ERR_GRANT] = {"grant", 400, "invalid_grant", LEVEL_INFO, false, "error.grant"},
	[ERR_UNAUTHORIZED_CLIENT] = {"unauthorized_client", 400, "unauthorized_client", LEVEL_INFO, false,
		"error.unauthorized_client"},
	[ERR_GRANT_TYPE] = {"grant_type", 400, "unsupported_grant_type", LEVEL_INFO, false, "error.grant_type"},
	[ERR_RESPONSE_TYPE] = {"response_type", 400, "unsupported_response_type", LEVEL_INFO, false,
		"error.response_type"},
	[ERR_SCOPE] = {"scope", 400, "invalid_scope", LEVEL_INFO, false, "error.scope"},
	[ERR_TOKEN] = {"token", 401, "invalid_token", LEVEL_INFO, false, "error.token"},
	[ERR_INSUFFICIENT_SCOPE] = {"insufficient_scope", 403, "insufficient_scope", LEVEL_INFO, false,
		"error.insufficient_scope"},
	[ERR_LOGIN_REQUIRED] = {"login_required", 400, "login_required", LEVEL_DEBUG, false, "error.login_required"},
	[ERR_CONSENT_REQUIRED] = {"consent_required", 400, "consent_required", LEVEL_DEBUG, false,
		"error.consent_required"},
	[ERR_REQUEST] = {"request", 400, "request_not_supported", LEVEL_INFO, false, "error.request"},
	[ERR_REQUEST_URI] = {"request_uri", 400, "request_uri_not_supported", LEVEL_INFO, false, "error.request_uri"},
};

const struct err_row *err_row(enum err code) {
	size_t i = (size_t)code;
	return &rows[i < COUNT(rows) && rows[i].name ? i : ERR_INTERNAL];
}
