/* Checks of configuration values that this floor understands. */
#include "broker/registrar/registrar_private.h"

static void profile_check(
	struct arena *a, const struct realm *r, const struct profile_config *p, struct config_errors *errors) {
	struct str key = str_printf(a, "realms.%.*s.profiles.%.*s", FMT(r->id), FMT(p->id));
	if (!p->login_patterns.n && !p->login_proposed)
		config_error_add(a, errors, p->at, str_printf(a, "%.*s.login_name.patterns", FMT(key)),
			"a login name needs login_name.patterns, or login_name.proposed: true");
	if (p->approval != APPROVAL_NEVER && str_empty(p->approvers) && str_empty(r->operators))
		config_error_add(a, errors, p->at, str_printf(a, "%.*s.approvers.group", FMT(key)),
			"approval is asked for, but neither approvers.group nor the realm's operators is set: nobody "
			"could approve");
	for (size_t i = 0; i < p->n_rules; i++)
		if (!p->rules[i].mail_domains.n && str_empty(p->rules[i].field))
			config_error_add(a, errors, p->rules[i].at,
				str_printf(a, "%.*s.approval.rules[%zu]", FMT(key), i),
				"a rule needs mail_domains or field; to decide for all use approval.when");
}

void registrar_check_config(struct arena *a, const struct config *c, struct config_errors *errors) {
	for (size_t i = 0; i < c->n_realms; i++)
		for (size_t j = 0; j < c->realms[i].n_profiles; j++)
			profile_check(a, &c->realms[i], &c->realms[i].profiles[j], errors);
}
