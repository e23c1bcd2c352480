#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>

#include "base/metric.h"

static struct str rendered(struct arena *a) {
	struct buf b = buf_new(a, LIMIT_RESPONSE);
	metric_render(&b);
	assert_false(buf_full(&b));
	return buf_str(&b);
}

/* Whether this is a line of the text. */
static bool has_line(struct str text, const char *wanted) {
	struct str line;
	while (str_next(&text, '\n', &line))
		if (str_eq(line, str_of(wanted)))
			return true;
	return false;
}

static void counters_count(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	metric_add(METRIC_REQUESTS, 2, 1);
	metric_add(METRIC_REQUESTS, 2, 2);
	metric_add(METRIC_REQUESTS, 5, 1);
	metric_add(METRIC_REQUESTS, 2, -7); /* a counter never falls */
	metric_add(METRIC_LOGINS, METRIC_LOGIN_UNAVAILABLE, 4);
	metric_add(METRIC_STORE_COMMITS, 0, 9);
	assert_int_equal(metric_get(METRIC_REQUESTS, 2), 3);
	struct str text = rendered(a);
	assert_true(has_line(text, "usher_requests_total{class=\"2xx\"} 3"));
	assert_true(has_line(text, "usher_requests_total{class=\"5xx\"} 1"));
	assert_true(has_line(text, "usher_requests_total{class=\"1xx\"} 0"));
	assert_true(has_line(text, "usher_logins_total{result=\"unavailable\"} 4"));
	assert_true(has_line(text, "usher_logins_total{result=\"ok\"} 0"));
	assert_true(has_line(text, "usher_store_commits_total 9"));
}

static void gauges_rise_and_fall(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	metric_set(METRIC_QUEUE_LENGTH, 1, 10);
	metric_add(METRIC_QUEUE_LENGTH, 1, -3);
	metric_set(METRIC_JOBS_PARKED, 0, 2);
	assert_int_equal(metric_get(METRIC_QUEUE_LENGTH, 1), 7);
	struct str text = rendered(a);
	assert_true(has_line(text, "usher_queue_length{pool=\"jobs\"} 7"));
	assert_true(has_line(text, "usher_queue_length{pool=\"web\"} 0"));
	assert_true(has_line(text, "usher_jobs_parked 2"));
}

static void unknown_labels_are_ignored(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	struct str before = rendered(a);
	static const struct {
		enum metric m;
		unsigned label;
	} rows[] = {
		{METRIC_REQUESTS, 0},
		{METRIC_REQUESTS, 6},
		{METRIC_REQUESTS, 4000000000u},
		{METRIC_JOBS_PARKED, 1},
		{METRIC_THROTTLED, 4},
		{METRIC_REQUEST_SECONDS, 0},
		{METRIC_COUNT, 0},
		{(enum metric) - 1, 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		metric_add(rows[i].m, rows[i].label, 5);
		metric_set(rows[i].m, rows[i].label, 5);
		assert_int_equal(metric_get(rows[i].m, rows[i].label), 0);
	}
	metric_observe_us(METRIC_REQUESTS, 5);
	metric_observe_us(METRIC_COUNT, 5);
	assert_true(str_eq(before, rendered(a)));
}

static void histograms_are_cumulative(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	static const int64_t observed[] = {-5, 0, 500, 501, 1000, 99999, 1000001, 3600000000};
	for (size_t i = 0; i < COUNT(observed); i++)
		metric_observe_us(METRIC_DIRECTORY_SECONDS, observed[i]);
	struct str text = rendered(a);
	static const char *const wanted[] = {
		"# TYPE usher_directory_seconds histogram",
		"usher_directory_seconds_bucket{le=\"0.0005\"} 3",
		"usher_directory_seconds_bucket{le=\"0.001\"} 5",
		"usher_directory_seconds_bucket{le=\"0.05\"} 5",
		"usher_directory_seconds_bucket{le=\"0.1\"} 6",
		"usher_directory_seconds_bucket{le=\"1\"} 6",
		"usher_directory_seconds_bucket{le=\"2.5\"} 7",
		"usher_directory_seconds_bucket{le=\"10\"} 7",
		"usher_directory_seconds_bucket{le=\"+Inf\"} 8",
		"usher_directory_seconds_sum 3601.102001",
		"usher_directory_seconds_count 8",
		"usher_request_seconds_count 0",
	};
	for (size_t i = 0; i < COUNT(wanted); i++)
		if (!has_line(text, wanted[i]))
			fail_msg("%s is not in:\n%.*s", wanted[i], FMT(text));
}

/* Exposition format 0.0.4: a HELP and a TYPE for each metric, once, and then only its samples. */
static void the_text_is_well_formed(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	struct str text = rendered(a), line, name = STR_NONE;
	struct strs seen = {NULL, 0};
	assert_true(str_ends(text, STR("\n")));
	text.n--;
	while (str_next(&text, '\n', &line)) {
		if (str_starts(line, STR("# HELP "))) {
			name = str_sub(line, 7, str_find(line, ' ', 7) - 7);
			assert_false(strs_has(seen, name));
			strs_add(a, &seen, name);
			assert_true(str_next(&text, '\n', &line));
			assert_true(str_starts(line, str_printf(a, "# TYPE %.*s ", FMT(name))));
			continue;
		}
		assert_true(str_starts(line, name) && str_starts(name, STR("usher_")));
		size_t space = str_find(line, ' ', 0);
		assert_true(space < line.n && line.p[space + 1] >= '0' && line.p[space + 1] <= '9');
	}
	assert_int_equal(seen.n, METRIC_COUNT);
}

static void *count(void *unused) {
	for (int i = 0; i < 10000; i++)
		metric_add(METRIC_MAILS, 1, 1);
	return unused;
}

static void threads_lose_nothing(void **state) {
	(void)state;
	pthread_t threads[4];
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(metric_get(METRIC_MAILS, 1), 40000);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_count),
		cmocka_unit_test(gauges_rise_and_fall),
		cmocka_unit_test(unknown_labels_are_ignored),
		cmocka_unit_test(histograms_are_cumulative),
		cmocka_unit_test(the_text_is_well_formed),
		cmocka_unit_test(threads_lose_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
