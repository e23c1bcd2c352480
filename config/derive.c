#include "config/config_private.h"

/* HTML's autofill words by a field's name. */
static const struct {
	const char *name, *words;
} autofill[] = {
	{"given_name", "given-name"},
	{"first_name", "given-name"},
	{"family_name", "family-name"},
	{"last_name", "family-name"},
	{"middle_name", "additional-name"},
	{"name", "name"},
	{"display_name", "name"},
	{"nickname", "nickname"},
	{"organization", "organization"},
	{"organisation", "organization"},
	{"company", "organization"},
	{"job_title", "organization-title"},
	{"phone", "tel"},
	{"telephone", "tel"},
	{"mobile", "tel"},
	{"birthday", "bday"},
	{"birthdate", "bday"},
	{"street", "street-address"},
	{"address", "street-address"},
	{"city", "address-level2"},
	{"region", "address-level1"},
	{"postal_code", "postal-code"},
	{"country", "country-name"},
};

static struct str autofill_of(const struct field_config *f) {
	for (size_t i = 0; i < COUNT(autofill); i++)
		if (str_eq(f->name, str_of(autofill[i].name)))
			return str_of(autofill[i].words);
	return f->type == FIELD_EMAIL ? STR("email") : f->type == FIELD_TEL ? STR("tel") : STR("");
}

static void derive_fields(struct load *l, struct profile_config *p) {
	struct field_config *all = arena_array(l->arena, struct field_config, p->n_fields + 1);
	all[0] = (struct field_config){.name = STR("mail"),
		.type = FIELD_EMAIL,
		.label = STR("E-mail address"),
		.help = STR(""),
		.required = true,
		.min_length = 3,
		.max_length = LIMIT_MAIL_ADDRESS,
		.pattern = STR(""),
		.pattern_message = STR(""),
		.autocomplete = STR("email"),
		.attribute = STR("mail"),
		.url = STR(""),
		.at = p->at};
	for (size_t i = 0; i < p->n_fields; i++) {
		struct field_config *f = &all[i + 1];
		*f = p->fields[i];
		if (str_empty(f->autocomplete))
			f->autocomplete = autofill_of(f);
		for (size_t j = 0; j < f->n_options; j++)
			if (str_empty(f->options[j].label))
				f->options[j].label = f->options[j].value;
	}
	p->fields = all;
	p->n_fields++;
}

static void derive_client(struct client_config *c) {
	if (str_empty(c->title))
		c->title = c->id;
	if (!str_empty(c->roles_claim))
		return;
	static const char *const names[] = {
		[ROLES_FLAT] = "roles", [ROLES_GROUPS] = "groups", [ROLES_NESTED] = "realm_access.roles"};
	c->roles_claim = str_of(names[c->roles_shape]);
}

/* The same host at the catalog's port (MS-ADTS 3.1.1.3.1.10): 3269 for TLS, else 3268. */
static struct str catalog_uri(struct arena *a, struct str uri) {
	struct uri u;
	if (!uri_split(uri, &u))
		return uri;
	return str_printf(
		a, "%.*s://%.*s:%s", FMT(u.scheme), FMT(u.host), str_eq_case(u.scheme, STR("ldaps")) ? "3269" : "3268");
}

static void derive_catalog(struct load *l, struct directory_config *d) {
	if (!d->global_catalog || d->driver != DIRECTORY_ACTIVE_DIRECTORY)
		return;
	struct directory_config *c = arena_new_of(l->arena, struct directory_config);
	*c = *d;
	c->id = str_printf(l->arena, "%.*s (global catalog)", FMT(d->id));
	c->is_catalog = true;
	c->uris = d->global_catalog_uris;
	if (c->uris.n)
		c->domain = STR("");
	for (size_t i = 0; d->global_catalog_uris.n == 0 && i < d->uris.n; i++)
		strs_add(l->arena, &c->uris, catalog_uri(l->arena, d->uris.v[i]));
	d->catalog = c;
}

static void derive_realm(struct load *l, struct realm *r, struct str public_url) {
	r->issuer = str_printf(l->arena, "%.*s/realms/%.*s", FMT(public_url), FMT(r->id));
	if (str_empty(r->mail_from_name))
		r->mail_from_name = r->title;
	strs_add(l->arena, &r->signing_algs, STR("RS256"));
	for (size_t i = 0; i < r->n_clients; i++) {
		derive_client(&r->clients[i]);
		if (!strs_has(r->signing_algs, r->clients[i].signing_alg))
			strs_add(l->arena, &r->signing_algs, r->clients[i].signing_alg);
	}
	for (size_t i = 0; i < r->n_directories; i++)
		derive_catalog(l, &r->directories[i]);
	for (size_t i = 0; i < r->n_profiles; i++)
		derive_fields(l, &r->profiles[i]);
}

void derive_config(struct load *l, struct config *c) {
	c->secure = str_starts(c->public_url, STR("https:"));
	for (size_t i = 0; i < c->n_realms; i++) {
		c->realms[i].lane = (unsigned)i;
		derive_realm(l, &c->realms[i], c->public_url);
	}
}
