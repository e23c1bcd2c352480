/* The table of keys, and what is generated from it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/secret.h"
#include "config/config_private.h"

static struct arena *arena;

static void every_key_is_complete(void **state) {
	(void)state;
	for (size_t i = 0; i < key_count(); i++) {
		const struct key *key = key_at(i);
		bool words = key->type == KEY_ENUM || key->type == KEY_WORD || key->type == KEY_FLAGS;
		bool number = key->type == KEY_INT || key->type == KEY_DURATION || key->type == KEY_DURATION_MS;
		bool many = key->type == KEY_LIST || key->type == KEY_MAP || key->type == KEY_ITEMS ||
			    key->type == KEY_FLAGS;
		if (!key->help || !*key->help || key->help[strlen(key->help) - 1] != '.')
			fail_msg("%s has no help", key->path);
		if (key->required == (key->fallback != NULL))
			fail_msg("%s is neither required nor has a default, or both", key->path);
		if (words != (key->words != NULL) || ((number || many) && !(key->max > key->min)))
			fail_msg("%s has no words or range", key->path);
		if ((key->type == KEY_MAP || key->type == KEY_ITEMS) != (key->shape != NULL))
			fail_msg("%s has no shape", key->path);
		const char *dot = strrchr(key->path, '.');
		struct str parent = str_slice(key->path, dot ? (size_t)(dot - key->path) : 0);
		bool known = !dot;
		for (size_t j = 0; j < key_count(); j++) {
			struct str path = str_of(key_at(j)->path), below = str_sub(parent, path.n, parent.n);
			known |= str_starts(parent, path) &&
				 (str_empty(below) || str_eq(below, STR("[]")) || str_eq(below, STR(".*")));
			if (j != i && str_eq(path, str_of(key->path)))
				fail_msg("%s stands twice", key->path);
		}
		if (!known)
			fail_msg("%s stands below no key", key->path);
	}
}

static struct str read_source(const char *name) {
	const char *top = getenv("top_srcdir");
	struct str text = STR_NONE;
	struct str path = str_printf(arena, "%s/%s", top ? top : ".", name);
	const char *why = file_read(arena, path, LIMIT_RESPONSE, false, &text);
	if (why)
		fail_msg("%.*s %s", FMT(path), why);
	return text;
}

static void generated_files_are_current(void **state) {
	(void)state;
	struct config *c = NULL;
	struct config_errors errors;
	struct str sample = config_sample(arena), schema = config_json_schema(arena), man = config_man(arena);
	enum err e = config_load_text(arena, sample, &c, &errors);
	if (e)
		fail_msg("%.*s", FMT(config_errors_text(arena, "sample", &errors)));
	assert_int_equal(c->realms[0].profiles[0].n_fields, 5);
	assert_int_equal(c->realms[0].n_roles, 3);
	json_t *json = json_loadb(schema.p, schema.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	assert_non_null(json_object_get(json_object_get(json, "properties"), "realms"));
	json_decref(json);
	for (size_t i = 0; i < key_count(); i++)
		assert_true(str_contains(man, str_printf(arena, ".It Cm %s\n", key_at(i)->path)));
	assert_true(str_eq(sample, read_source("deploy/usher.yaml.sample")));
	assert_true(str_eq(schema, read_source("schemas/json/usher.schema.json")));
}

static int setup(void **state) {
	(void)state;
	secret_init();
	arena = arena_new();
	return 0;
}

static int teardown(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_complete),
		cmocka_unit_test(generated_files_are_current),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
