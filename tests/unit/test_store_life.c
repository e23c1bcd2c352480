/* The store as a whole: opening, schema, a full disk, backups, indexes. */
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/store_fixture.h"

#include "base/metric.h"
#include "broker/store/query.h"

/* Past the store, as an operator with the sqlite3 tool would. */
static sqlite3 *raw_open(const char *path) {
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	return db;
}

static void raw_run(const char *path, const char *sql) {
	sqlite3 *db = raw_open(path);
	char *why = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
}

/* ---- opening ---- */

static void opens_again(void **state) {
	struct worker *w = *state;
	struct stat file;
	struct account *got = NULL;
	assert_ok(accounts_insert(&w->task, &(struct account){.id = STR("a"), .stable_id = STR("s"), .sub = STR("u")}));
	assert_int_equal(stat(fixture_path, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0600);
	assert_err(fixture_open(w), ERR_INTERNAL);
	handles_close_all(w->handles);
	store_close();
	store_close();
	worker_begin(w, STR("staff"));
	assert_err(accounts_find(&w->task, STR("a"), &got), ERR_INTERNAL);
	assert_ok(store_settle(&w->task));
	assert_ok(fixture_open(w));
	assert_ok(accounts_find(&w->task, STR("a"), &got));
	struct task bare;
	task_begin(&bare, w->arena, NULL, 1000);
	assert_err(accounts_find(&bare, STR("a"), &got), ERR_INTERNAL);
	assert_ok(store_settle(&bare));
}

static void refuses_what_it_does_not_know(void **state) {
	static const struct {
		const char *spoil, *heal;
	} rows[] = {
		{"INSERT INTO schema_migration VALUES (1000, 'x', 0)",
			"DELETE FROM schema_migration WHERE version = 1000"},
		{"UPDATE schema_migration SET checksum = 'x' || checksum",
			"UPDATE schema_migration SET checksum = substr(checksum, 2)"},
	};
	struct worker *w = *state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		handles_close_all(w->handles);
		store_close();
		raw_run(fixture_path, rows[i].spoil);
		worker_begin(w, STR("staff"));
		assert_err(fixture_open(w), ERR_CONFIG);
		raw_run(fixture_path, rows[i].heal);
		worker_begin(w, STR("staff"));
		assert_ok(fixture_open(w));
	}
}

static void refuses_other_files(void **state) {
	static const struct {
		enum store_driver_id driver;
		const char *name, *text;
		enum err wanted;
	} rows[] = {
		{STORE_SQLITE, "no/such/folder/db", NULL, ERR_UNAVAILABLE},
		{STORE_SQLITE, "text", "This is no database, whatever its name may say of it.", ERR_CONFIG},
		{STORE_POSTGRESQL, "any", NULL, ERR_CONFIG},
	};
	struct worker *w = *state;
	handles_close_all(w->handles);
	store_close();
	for (size_t i = 0; i < COUNT(rows); i++) {
		char path[160];
		snprintf(path, sizeof(path), "%s/%s", fixture_folder, rows[i].name);
		if (rows[i].text) {
			FILE *f = fopen(path, "w");
			assert_non_null(f);
			for (int n = 0; n < 100; n++)
				fputs(rows[i].text, f);
			fclose(f);
		}
		struct config c = {.store = rows[i].driver, .store_path = str_of(path)};
		assert_err(store_open(worker_begin(w, STR("staff")), &c), rows[i].wanted);
	}
	struct config nul = {.store_path = STR("/tmp/a\0b")};
	assert_err(store_open(worker_begin(w, STR("staff")), &nul), ERR_INVALID);
}

/* ---- a full disk ---- */

static void limit_pages(struct task *t, int pages) {
	static const struct query small = {"PRAGMA max_page_count = 1", &number_record, READS};
	static const struct query large = {"PRAGMA max_page_count = 1073741823", &number_record, READS};
	int64_t now = 0;
	assert_ok(store_begin(t)); /* of the handle that writes */
	assert_ok(store_end(t, query_number(t, pages ? &small : &large, NO_ARGS, &now)));
}

static enum err fill_disk(struct task *t) {
	struct str big = str_slice(arena_alloc(t->arena, 20000), 20000);
	for (int i = 0; i < 200; i++)
		TRY(audit_insert(t, STR("fill"), STR("disk"), big));
	return OK;
}

static void a_full_disk_heals(void **state) {
	struct worker *w = *state;
	struct task *t = &w->task;
	struct account a = {.id = STR("a"), .stable_id = STR("s"), .sub = STR("u")}, *got = NULL;
	assert_ok(store_check(t));
	limit_pages(t, 1);
	assert_err(fill_disk(t), ERR_UNAVAILABLE);
	assert_ok(store_begin(t));
	assert_ok(accounts_insert(t, &a));
	assert_err(fill_disk(t), ERR_UNAVAILABLE);
	/* SQLite may have rolled back: nothing may go on as if it had not, whatever the caller says. */
	enum err e = accounts_insert(t, &(struct account){.id = STR("b"), .stable_id = STR("t"), .sub = STR("v")});
	e = store_end(t, e ? e : ERR_UNAVAILABLE);
	assert_err(e, ERR_UNAVAILABLE);
	assert_err(accounts_find(t, STR("a"), &got), ERR_NOT_FOUND);
	assert_err(accounts_find(t, STR("b"), &got), ERR_NOT_FOUND);
	limit_pages(t, 0);
	assert_ok(accounts_insert(t, &a));
	assert_ok(fill_disk(t));
	assert_ok(store_settle(t));
}

static void a_failing_write_heals(void **state) {
	struct worker *w = *state;
	struct task *t = &w->task;
	struct account a = {.id = STR("a"), .stable_id = STR("s"), .sub = STR("u")}, *got = NULL;
	struct rlimit before, none;
	assert_ok(store_check(t));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 512;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &none);
	enum err e = store_begin(t);
	if (!e)
		e = store_end(t, accounts_insert(t, &a));
	setrlimit(RLIMIT_FSIZE, &before);
	assert_err(e, ERR_UNAVAILABLE);
	assert_err(accounts_find(t, STR("a"), &got), ERR_NOT_FOUND);
	assert_ok(accounts_insert(t, &a));
	assert_ok(store_settle(t));
	assert_ok(accounts_find(t, STR("a"), &got));
}

/* ---- backup ---- */

static _Atomic bool stop;
static _Atomic int strange;

static void *keep_writing(void *argument) {
	struct worker *w = argument;
	while (!stop) {
		arena_wipe(w->arena);
		struct task *t = worker_begin(w, STR("staff"));
		/* Two rows in a transaction: a copy with one of them is not consistent. */
		if (store_begin(t) || store_end(t, audit_insert(t, STR("one"), STR(""), STR("{}"))
							   ?: audit_insert(t, STR("two"), STR(""), STR("{}"))))
			strange++;
	}
	return NULL;
}

static void a_backup_holds_the_rows(void **state) {
	struct worker *w = *state, writer;
	struct task *t = &w->task;
	pthread_t thread;
	char path[128];
	struct account *got = NULL;
	struct stat file;
	strange = 0;
	stop = false;
	snprintf(path, sizeof(path), "%s/copy's \"name\".db", fixture_folder);
	assert_ok(accounts_insert(t, &(struct account){.id = STR("a"), .stable_id = STR("s"), .sub = STR("u")}));
	worker_new(&writer);
	assert_int_equal(pthread_create(&thread, NULL, keep_writing, &writer), 0);
	while (metric_get(METRIC_STORE_COMMITS, 0) < 100)
		usleep(100);
	enum err e = store_backup(t, path), again = store_backup(t, path);
	stop = true;
	pthread_join(thread, NULL);
	worker_free(&writer);
	assert_ok(e);
	assert_err(again, ERR_EXISTS);
	assert_int_equal(strange, 0);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0600);
	assert_err(store_backup(t, "/no/such/folder/copy"), ERR_UNAVAILABLE);
	handles_close_all(w->handles);
	store_close();
	struct config c = {.store = STORE_SQLITE, .store_path = str_of(path)};
	t = worker_begin(w, STR("staff"));
	assert_ok(store_open(t, &c));
	assert_ok(accounts_find(t, STR("a"), &got));
	static const struct query odd = {"SELECT count(*) % 2 FROM audit", &number_record, READS};
	int64_t rest = 1;
	assert_ok(query_number(t, &odd, NO_ARGS, &rest));
	assert_int_equal(rest, 0);
}

/* ---- indexes ---- */

/* Of few rows by their nature, or of rows already found. */
static bool may_be_sorted(const char *sql) {
	return strstr(sql, "FROM signing_key") || strstr(sql, "AS newest");
}

static size_t check_plan(struct task *t, sqlite3 *db, const struct query *q) {
	sqlite3_stmt *s = NULL;
	size_t steps = 0;
	const char *sql = query_text(t->arena, q);
	struct str explain = str_printf(t->arena, "EXPLAIN QUERY PLAN %s", sql);
	if (sqlite3_prepare_v2(db, explain.p, (int)explain.n, &s, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	for (; sqlite3_step(s) == SQLITE_ROW; steps++) {
		const char *detail = (const char *)sqlite3_column_text(s, 3);
		bool scans = strncmp(detail, "SCAN ", 5) == 0 && !strstr(sql, "AS newest");
		if (scans || (strstr(detail, "TEMP B-TREE") && !may_be_sorted(sql)))
			fail_msg("%s: %s", sql, detail);
	}
	sqlite3_finalize(s);
	return steps;
}

static void every_query_has_its_index(void **state) {
	struct worker *w = *state;
	sqlite3 *db = raw_open(fixture_path);
	size_t queries = 0, steps = 0;
	for (size_t i = 0; i < store_queries_count; i++)
		for (size_t n = 0; n < store_queries[i]->n; n++, queries++)
			steps += check_plan(&w->task, db, &store_queries[i]->v[n]);
	assert_true(queries > 70);
	assert_true(steps > queries / 2);
	sqlite3_close(db);
}

/* A worker that may tell no logout claims past them, however many are due, and holds the gate meanwhile. */
static void other_jobs_are_found_past_logouts(void **state) {
	struct worker *w = *state;
	sqlite3 *db = raw_open(fixture_path);
	sqlite3_stmt *s = NULL;
	bool found = false;
	for (size_t n = 0; n < jobs_queries.n; n++) {
		const char *sql = query_text(w->task.arena, &jobs_queries.v[n]);
		if (!strstr(sql, "state = 'running'") || !strstr(sql, "kind <> 'logout'"))
			continue;
		struct str explain = str_printf(w->task.arena, "EXPLAIN QUERY PLAN %s", sql);
		assert_int_equal(sqlite3_prepare_v2(db, explain.p, (int)explain.n, &s, NULL), SQLITE_OK);
		while (sqlite3_step(s) == SQLITE_ROW)
			found |= strstr((const char *)sqlite3_column_text(s, 3), "INDEX job_others") != NULL;
		sqlite3_finalize(s);
	}
	assert_true(found);
	sqlite3_close(db);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(opens_again),
		TEST(refuses_what_it_does_not_know),
		TEST(refuses_other_files),
		TEST(a_full_disk_heals),
		TEST(a_failing_write_heals),
		TEST(a_backup_holds_the_rows),
		TEST(every_query_has_its_index),
		TEST(other_jobs_are_found_past_logouts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
