#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/template.h"

static struct arena *arena;

static int begin(void **state) {
	(void)state;
	arena = arena_new();
	return 0;
}

static int end(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

static struct template_source html(const char *name, const char *text) {
	return (struct template_source){name, TEMPLATE_HTML, text, strlen(text)};
}

static struct template_source text(const char *name, const char *source) {
	return (struct template_source){name, TEMPLATE_TEXT, source, strlen(source)};
}

/* {x: hostile, yes: true, no: false, empty: "", list: [{n: 1}, {n: 2}], none: [], items: [a, <b>],
 * person: {name: Ann, at: {town: Ulm}}} and some more. */
static struct value *data(const char *hostile) {
	struct value *d = value_object(arena);
	value_text(arena, d, "x", str_of(hostile));
	value_text(arena, d, "name", STR("outer"));
	value_text(arena, d, "empty", STR(""));
	value_bool(arena, d, "yes", true);
	value_bool(arena, d, "no", false);
	value_number(arena, d, "number", -42);
	struct value *list = value_list(arena, d, "list");
	value_number(arena, value_row(arena, list), "n", 1);
	value_number(arena, value_row(arena, list), "n", 2);
	value_list(arena, d, "none");
	struct value *items = value_list(arena, d, "items");
	value_item(arena, items, STR("a"));
	value_item(arena, items, STR("<b>"));
	struct value *person = value_child(arena, d, "person");
	value_text(arena, person, "name", STR("Ann"));
	value_text(arena, value_child(arena, person, "at"), "town", STR("Ulm"));
	return d;
}

static struct str why;

static struct template_set *compiled(const struct template_source *sources, size_t n) {
	struct template_set *set = NULL;
	why = STR("");
	if (template_set_new(arena, sources, n, &set, &why))
		print_error("%.*s\n", FMT(why));
	assert_non_null(set);
	return set;
}

static void assert_str(struct str got, const char *wanted) {
	char *c = arena_alloc(arena, got.n + 1);
	if (got.n)
		memcpy(c, got.p, got.n);
	assert_string_equal(c, wanted);
}

static struct str rendered(const struct template_set *set, const char *name, const struct value *d) {
	struct buf b = buf_new(arena, 1u << 16);
	assert_int_equal(template_render(set, name, d, &b), OK);
	return buf_str(&b);
}

static void assert_renders(struct template_source source, const char *hostile, const char *wanted) {
	assert_str(rendered(compiled(&source, 1), source.name, data(hostile)), wanted);
}

static void assert_refused(const struct template_source *sources, size_t n, const char *wanted) {
	struct template_set *set = NULL;
	why = STR("");
	enum err got = template_set_new(arena, sources, n, &set, &why);
	if (!got || !str_contains(why, str_of(wanted)))
		print_error("%s\nwhy: %.*s\nwanted: %s\n", sources[0].text, FMT(why), wanted);
	assert_int_equal(got, ERR_CONFIG);
	assert_null(set);
	assert_true(str_contains(why, str_of(wanted)));
}

struct pair {
	const char *source, *wanted;
};

static void test_language(void **state) {
	static const struct pair rows[] = {
		{"", ""},
		{"plain }} {text}", "plain }} {text}"},
		{"{{x}}|{{ x }}|{{missing}}|{{person.name}}|{{person.at.town}}|{{person.no.town}}", "v|v||Ann|Ulm|"},
		{"{{number}} {{yes}} {{person}} {{list}}", "-42 true  "},
		{"{{#yes}}1{{/yes}}{{#no}}2{{/no}}{{#empty}}3{{/empty}}{{#none}}4{{/none}}{{#missing}}5{{/missing}}",
			"1"},
		{"{{^yes}}1{{/yes}}{{^no}}2{{/no}}{{^empty}}3{{/empty}}{{^none}}4{{/none}}{{^missing}}5{{/missing}}",
			"2345"},
		{"{{#list}}{{n}}{{x}};{{/list}}", "1v;2v;"},
		{"{{^list}}none{{/list}}", ""},
		{"{{#items}}[{{.}}]{{/items}}", "[a][<b>]"},
		{"{{#x}}({{.}}){{/x}}", "(v)"},
		{"{{name}} {{#person}}{{name}} {{#at}}{{town}} of {{name}}{{/at}}{{/person}}", "outer Ann Ulm of Ann"},
		{"{{#list}}{{#person.at}}{{town}}{{n}}{{/person.at}}{{/list}}", "Ulm1Ulm2"},
		{"a{{! a note }}b{{!\nmore\n}}c", "abc"},
		{"a\n{{#yes}}\nb\n{{/yes}}\nc\n", "a\nb\nc\n"},
		{"a\r\n  {{#yes}}  \r\nb\r\n\t{{/yes}}\r\nc", "a\r\nb\r\nc"},
		{"{{! alone }}\na\n{{#yes}} {{x}}\n{{/yes}}", "a\n v\n"},
		{"a\n  {{x}}\n", "a\n  v\n"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_renders(text("t", rows[i].source), "v", rows[i].wanted);
}

static void test_text_kind(void **state) {
	(void)state;
	assert_renders(text("t", "Subject: {{x}}\n<a href={{x}}>"), "a\r\nBcc: x\n\n<&\xe2\x80\xa8z\r\xc2\x85",
		"Subject: a Bcc: x  <& z  \n<a href=a Bcc: x  <& z  >");
	assert_renders(text("t", "{{x}}"), "\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac");
}

#define EVIL "\"'><script>alert(1)</script>&{{yes}}"
#define SAFE "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;{{yes}}"

static void test_escaped_everywhere(void **state) {
	static const struct pair rows[] = {
		{"<p>{{x}}</p>", "<p>" SAFE "</p>"},
		{"<title>{{x}}</title>", "<title>" SAFE "</title>"},
		{"<TextArea rows=3>{{x}}</TEXTAREA >", "<TextArea rows=3>" SAFE "</TEXTAREA >"},
		{"<input value=\"{{x}}\">", "<input value=\"" SAFE "\">"},
		{"<input value='{{x}}'/>", "<input value='" SAFE "'/>"},
		{"<input value = \"a {{x}} b\" >", "<input value = \"a " SAFE " b\" >"},
		{"<p data-a=\"{{#x}}{{.}}{{/x}}\">", "<p data-a=\"" SAFE "\">"},
		{"<svg viewBox=\"0 0 9 9\"><title>{{x}}</title></svg>{{x}}",
			"<svg viewBox=\"0 0 9 9\"><title>" SAFE "</title></svg>" SAFE},
		{"<!doctype html><!-- note --><script src=\"/a.js\"></script>{{x}}",
			"<!doctype html><!-- note --><script src=\"/a.js\"></script>" SAFE},
		{"<style>a > b { c: '{' }</style>{{x}}", "<style>a > b { c: '{' }</style>" SAFE},
		{"<a href=\"/q?a={{x}}\">", "<a href=\"/q?a=" SAFE "\">"},
		{"<meta name=\"a\" content=\"{{x}}\">", "<meta name=\"a\" content=\"" SAFE "\">"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_renders(html("t", rows[i].source), EVIL, rows[i].wanted);
}

static void test_attributes_in_sections(void **state) {
	static const struct pair rows[] = {
		{"<input type=\"checkbox\"{{#yes}} checked{{/yes}}>", "<input type=\"checkbox\" checked>"},
		{"<input{{#yes}} checked{{/yes}}{{#no}} disabled{{/no}}>", "<input checked>"},
		{"<input {{#yes}}checked{{/yes}} {{#yes}}value=\"{{x}}\"{{/yes}}>", "<input checked  value=\"v\" >"},
		{"<input {{#no}}checked{{/no}} required>", "<input  required>"},
		{"<p class=\"a{{#yes}} b-{{x}}{{/yes}}{{^yes}} c{{/yes}}\">", "<p class=\"a b-v\">"},
		{"<option value=\"{{x}}\"\n{{#yes}}\nselected\n{{/yes}}\n>", "<option value=\"v\"\nselected\n>"},
		{"{{#list}}<li id=\"{{n}}\">{{n}}</li>{{/list}}", "<li id=\"1\">1</li><li id=\"2\">2</li>"},
		{"<textarea>{{#yes}}{{x}}{{/yes}}</textarea>", "<textarea>v</textarea>"},
		{"<p>{{#yes}}<b>{{/yes}}{{x}}{{#yes}}</b>{{/yes}}", "<p><b>v</b>"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_renders(html("t", rows[i].source), "v", rows[i].wanted);
}

static void test_urls(void **state) {
	static const struct {
		const char *source, *value, *wanted;
	} rows[] = {
		{"<a href=\"{{x}}\">", "https://a.example/?a=1&b", "<a href=\"https://a.example/?a=1&amp;b\">"},
		{"<a href='{{x}}'>", "HTTP://a.example", "<a href='HTTP://a.example'>"},
		{"<a href=\"{{x}}\">", "/path", "<a href=\"/path\">"},
		{"<a href=\"{{x}}\">", "/", "<a href=\"/\">"},
		{"<a href=\"{{x}}\">", "#part", "<a href=\"#part\">"},
		{"<a href=\"{{x}}\">", "//evil.example", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", "/\\evil.example", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", "/\t/evil.example", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", "/\n/evil.example", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", "\\\\evil.example", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", "javascript:alert(1)", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", "JaVaScRiPt:alert(1)", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", " javascript:alert(1)", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", "java\tscript:alert(1)", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", "\x01javascript:alert(1)", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", "vbscript:x", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", "data:text/html,<script>", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", "mailto:a@b.example", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", "https", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", "path", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}\">", "", "<a href=\"#blocked\">"},
		{"<a HREF=\"{{x}}\">", "javascript:1", "<a HREF=\"#blocked\">"},
		{"<a xlink:href=\"{{x}}\">", "javascript:1", "<a xlink:href=\"#blocked\">"},
		{"<form action=\"{{x}}\">", "javascript:1", "<form action=\"#blocked\">"},
		{"<button formaction=\"{{x}}\">", "javascript:1", "<button formaction=\"#blocked\">"},
		{"<img src=\"{{x}}\">", "javascript:1", "<img src=\"#blocked\">"},
		{"<a href=\"{{x}}/login\">", "/realms/a", "<a href=\"/realms/a/login\">"},
		{"<a href=\"{{x}}/login\">", "javascript:1", "<a href=\"#blocked/login\">"},
		{"<a href=\"{{!note}}{{x}}\">", "javascript:1", "<a href=\"#blocked\">"},
		{"<a href=\"{{#yes}}{{x}}{{/yes}}{{^yes}}/{{/yes}}\">", "javascript:1", "<a href=\"#blocked\">"},
		{"<a href=\"{{#no}}/a?{{/no}}{{x}}\">", "javascript:1", "<a href=\"#blocked\">"},
		{"<a href=\"{{#yes}}/a?{{/yes}}{{x}}\">", "javascript:1", "<a href=\"/a?javascript:1\">"},
		{"<a href=\"{{#yes}}java{{/yes}}{{x}}\">", "script:alert(1)", "<a href=\"#blocked\">"},
		{"<a href=\"{{#yes}}javascript:{{/yes}}{{x}}\">", "alert(1)", "<a href=\"#blocked\">"},
		{"<a href=\"/{{x}}\">", "/evil.example", "<a href=\"#blocked\">"},
		{"<a href=\"/{{x}}\">", "\\evil.example", "<a href=\"#blocked\">"},
		{"<a href=\"/{{x}}\">", "a", "<a href=\"/a\">"},
		{"<a href=\"/{{empty}}{{x}}\">", "/evil.example", "<a href=\"#blocked\">"},
		{"<a href=\"{{x}}{{x}}\">", "/", "<a href=\"#blocked\">"},
		{"<a href=\"mailto:{{x}}\">", "a@b.example", "<a href=\"mailto:a@b.example\">"},
		{"<a href=\"status?t={{x}}\">", "javascript:1", "<a href=\"status?t=javascript:1\">"},
		{"<a href=\"a/{{x}}\">", "javascript:1", "<a href=\"a/javascript:1\">"},
		{"<a href=\"/a\" title=\"{{x}}\">", "javascript:1", "<a href=\"/a\" title=\"javascript:1\">"},
		{"<a href=\"{{#items}}{{x}}{{/items}}\">", "javascript:1", "<a href=\"#blockedjavascript:1\">"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_renders(html("t", rows[i].source), rows[i].value, rows[i].wanted);
}

static void test_unsafe_refused(void **state) {
	static const struct pair rows[] = {
		{"{{{x}}}", "t:1: values are always escaped"},
		{"{{&x}}", "t:1: values are always escaped"},
		{"<p>\n\n{{{x}}}", "t:3: "},
		{"<a title={{x}}>", "t:1: a value may not stand in an unquoted attribute: x"},
		{"<a title=a{{x}}>", "unquoted attribute"},
		{"<a title= {{t.x}}>", "unquoted attribute"},
		{"<a {{x}}>", "in a tag outside"},
		{"<a {{x}}=\"1\">", "in a tag outside"},
		{"<a da{{x}}=\"1\">", "in a tag outside"},
		{"<a title=\"1\"{{x}}>", "in a tag outside"},
		{"<{{x}}>", "in a tag outside"},
		{"</{{x}}>", "in a tag outside"},
		{"<h{{x}}>", "in a tag outside"},
		{"<!-- {{x}} -->", "in a comment"},
		{"<!doctype {{x}}>", "in a tag outside"},
		{"<script>{{x}}</script>", "in <script>"},
		{"<SCRIPT type=a>var a = '{{x}}'</SCRIPT>", "in <script>"},
		{"<style>{{x}}</style>", "in <script>"},
		{"<style\n>{{x}}</style>", "t:2: a value may not stand in <script>"},
		{"<iframe>{{x}}</iframe>", "in <script>"},
		{"<xmp>{{x}}</xmp>", "in <script>"},
		{"<plaintext>{{x}}", "never ends"},
		{"<a onclick=\"{{x}}\">", "in this attribute"},
		{"<a OnClick='f({{x}})'>", "in this attribute"},
		{"<a on{{!note}}click=\"{{x}}\">", "in this attribute"},
		{"<a style=\"color: {{x}}\">", "in this attribute"},
		{"<iframe srcdoc=\"{{x}}\"></iframe>", "in this attribute"},
		{"<img srcset=\"{{x}}\">", "in this attribute"},
		{"<svg><animate to=\"{{x}}\" /></svg>", "in this attribute"},
		{"<svg><set attributeName=\"{{x}}\" /></svg>", "in this attribute"},
		{"<meta http-equiv=\"refresh\" content=\"0;url={{x}}\">", "http-equiv"},
		{"<meta content=\"0;url={{x}}\" http-equiv=\"refresh\">", "http-equiv"},
		{"<meta{{#yes}} http-equiv=\"refresh\"{{/yes}}{{#yes}} content=\"{{x}}\"{{/yes}}>", "http-equiv"},
		{"<a href=\"javascript:f({{x}})\">", "must be settled"},
		{"<a href=\"java{{x}}\">", "must be settled"},
		{"<a href=\" javascript:{{x}}\">", "must be settled"},
		{"<a href=\"java&#115;cript:{{x}}\">", "must be settled"},
		{"<a href=\"data:text/html,{{x}}\">", "must be settled"},
		{"<a href=\"//{{x}}\">", "must be settled"},
		{"<a href=\"/\\{{x}}\">", "must be settled"},
		{"<a title=\"<b\">", "'<' in an attribute"},
		{"a < b", "begins no tag"},
		{"<?php ?>", "begins no tag"},
		{"<![CDATA[ ]]>", "neither a comment"},
		{"<a \"b\">", "may not stand in a tag"},
		{"<a b=\"1\"c=\"2\">", "a space is missing"},
		{"<a =\"x\">", "may not stand in a tag"},
		{"<a b=c\"d>", "must be quoted"},
		{"<script>if (a<b) c</script>", "'<' may not stand"},
		{"<script><!-- <script> </script> --></script>", "'<' may not stand"},
		{"<title><a href=\"{{x}}\"></title>", "'<' may not stand"},
		{"<title></ti{{!}}tle>{{x}}", "'<' may not stand"},
		{"<!-- <script> -->", "'<' in an HTML comment"},
		{"<script/>{{x}}", "cannot be closed by '/>'"},
		{"<svg><style>a</style></svg>", "may not stand in <svg>"},
		{"<svg><svg></svg></svg>", "within another"},
		{"<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>", "too long"},
		{"a\x01", "control character"},
		{"a\xff", "not UTF-8"},
		{"<p", "ends within"},
		{"<!-- ", "ends within"},
		{"<title>a", "ends within"},
		{"<svg>", "ends within"},
		{"{{x", "t:1: '{{' without '}}'"},
		{"\n{{x}", "t:2: '{{' without '}}'"},
		{"{{}}", "bad name"},
		{"{{a b}}", "bad name"},
		{"{{a..b}}", "bad name"},
		{"{{.a}}", "bad name"},
		{"{{a'}}", "bad name"},
		{"{{=<% %>=}}", "delimiters"},
		{"\n{{#a}}\n", "t:2: the section has no end: a"},
		{"{{/a}}", "not open"},
		{"{{#a}}{{#b}}{{/a}}{{/b}}", "another section is open: b"},
		{"{{#t.a}}{{/t.a}}", "no section"},
		{"{{>a}}", "t:1: no such template: a"},
		{"{{>t}}", "within itself"},
		{"<p {{>a}}>", "plain text only"},
		{"<title>{{>a}}</title>", "plain text only"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct template_source source = html("t", rows[i].source);
		assert_refused(&source, 1, rows[i].wanted);
	}
}

static void test_sections_keep_the_context(void **state) {
	static const char *const rows[] = {
		"{{#a}}<p {{/a}}>",
		"<p {{#a}}>{{/a}}",
		"<p {{#a}}title=\"{{/a}}\">",
		"<p title=\"{{#a}}\" id=\"{{/a}}{{#a}}\">{{/a}}",
		"<a title=\"{{#a}}\" href=\"{{/a}}{{x}}\">",
		"<a title=\"{{#a}}\" onclick=\"{{/a}}{{x}}\">",
		"{{#a}}<script>{{/a}}{{x}}",
		"<script>{{#a}}</script>{{/a}}",
		"<title>{{#a}}</title><textarea>{{/a}}{{x}}</textarea>",
		"<p{{#a}}></p><script{{/a}}>{{x}}</script>",
		"{{#a}}<!-- {{/a}}-->",
		"{{#a}}<svg>{{/a}}</svg>",
		"<p title={{#a}}\"b\"{{/a}}>",
	};
	/* Names that a section would join. */
	static const char *const joined[] = {
		"<a {{#a}}sty{{/a}}le=\"{{x}}\">",
		"<a sty{{#a}} {{/a}}le=\"{{x}}\">",
		"<a style{{#a}} b{{/a}}=\"{{x}}\">",
		"<a style {{#a}}b {{/a}}=\"{{x}}\">",
		"<a{{#a}}b{{/a}}>",
		"<scr{{#a}}{{/a}}ipt>{{x}}",
		"<a href{{#a}} {{/a}}=\"{{x}}\">",
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct template_source source = html("t", rows[i]);
		assert_refused(&source, 1, "another HTML context");
	}
	for (size_t i = 0; i < COUNT(joined); i++) {
		struct template_source source = html("t", joined[i]);
		assert_refused(&source, 1, "in a tag");
	}
}

/* In a list the end of one row meets the begin of the next. */
static void test_rows_do_not_join_names(void **state) {
	(void)state;
	assert_renders(html("t", "<a {{#list}}s{{/list}}>"), "v", "<a s s >");
	assert_renders(html("t", "<a {{#list}}tyle=\"{{x}}\" s{{/list}}>"), "v", "<a tyle=\"v\" s tyle=\"v\" s >");
}

static void test_partials(void **state) {
	struct template_source sources[] = {
		html("page", "{{>head}}\n<p>{{#list}}{{>row}}{{/list}}\n{{>foot}}\n"),
		html("head", "<title>{{x}}</title>\n"),
		html("row", "<i>{{n}}</i>"),
		html("foot", "</p>\n"),
		text("mail", "{{x}}"),
	};
	(void)state;
	struct template_set *set = compiled(sources, COUNT(sources));
	assert_str(rendered(set, "page", data("<")), "<title>&lt;</title>\n<p><i>1</i><i>2</i>\n</p>\n");
	assert_str(rendered(set, "row", data("<")), "<i></i>");
	assert_str(rendered(set, "mail", data("<")), "<");
	struct buf b = buf_new(arena, 100);
	assert_int_equal(template_render(set, "other", data(""), &b), ERR_NOT_FOUND);
	struct template_source kinds[] = {html("a", "\n{{>b}}"), text("b", "{{x}}")};
	assert_refused(kinds, 2, "a:2: a partial of another kind: b");
	struct template_source loop[] = {html("a", "{{>b}}"), html("b", "{{>c}}"), html("c", "{{>a}}")};
	assert_refused(loop, 3, "c:1: a partial within itself: a");
	struct template_source twice[] = {html("a", ""), html("a", "")};
	assert_refused(twice, 2, "two templates");
}

static struct str repeat(const char *what, size_t n) {
	struct buf b = buf_new(arena, 1u << 20);
	for (size_t i = 0; i < n; i++)
		buf_put(&b, str_of(what));
	buf_byte(&b, 0);
	return buf_str(&b);
}

static void test_bounds(void **state) {
	(void)state;
	struct str deep = str_printf(arena, "%s%s", repeat("{{#yes}}", 8).p, repeat("{{/yes}}", 8).p);
	assert_renders(text("t", deep.p), "", "");
	struct template_source source = text("t", str_printf(arena, "%s", repeat("{{#yes}}", 9).p).p);
	assert_refused(&source, 1, "nested too deeply");
	source = text("t", repeat("{{#yes}}", 8000).p);
	assert_refused(&source, 1, "nested too deeply");
	source = text("t", repeat("a", LIMIT_TEMPLATE + 1).p);
	assert_refused(&source, 1, "too large");

	struct template_source chain[10];
	for (int i = 0; i < 10; i++)
		chain[i] = text(str_printf(arena, "t%d", i).p, i == 9 ? "" : str_printf(arena, "{{>t%d}}", i + 1).p);
	assert_refused(chain, 10, "nested too deeply");
	assert_non_null(compiled(&chain[1], 9));

	struct template_source bomb[4];
	for (int i = 0; i < 4; i++)
		bomb[i] = text(str_printf(arena, "t%d", i).p,
			i == 3 ? "" : repeat(str_printf(arena, "{{>t%d}}", i + 1).p, 1000).p);
	assert_refused(bomb, 4, "nested too deeply");
}

static void test_rendering_ends(void **state) {
	(void)state;
	struct value *d = value_object(arena);
	struct value *list = value_list(arena, d, "l");
	for (int i = 0; i < 500; i++)
		value_item(arena, list, STR("a"));
	struct template_source source = text("t", "{{#l}}{{#l}}{{#l}}{{#l}}{{/l}}{{/l}}{{/l}}{{/l}}");
	struct buf b = buf_new(arena, 100);
	assert_int_equal(template_render(compiled(&source, 1), "t", d, &b), ERR_TOO_LARGE);
	source = text("t", "{{#l}}{{.}}{{/l}}");
	assert_int_equal(template_render(compiled(&source, 1), "t", d, &b), ERR_TOO_LARGE);
	b = buf_new(arena, 500);
	assert_int_equal(template_render(compiled(&source, 1), "t", d, &b), OK);
	assert_int_equal(b.n, 500);
	b = buf_new(arena, 10);
	assert_int_equal(template_render(compiled(&source, 1), "t", NULL, &b), OK);
	assert_int_equal(b.n, 0);
}

static void test_catalogue(void **state) {
	struct template_source sources[] = {
		html("page", "<p title=\"{{t.a}}\">{{#list}}{{t.a.b}}{{/list}}<a href=\"{{t.url}}\">"),
		text("mail", "{{t.a}}"),
	};
	(void)state;
	struct template_set *set = compiled(sources, 2);
	static const struct pair bad[] = {
		{"a = 1\na.b = 2\n", "page:1: no such text: url"},
		{"a\n", "texts:1: expected: key = text"},
		{"a = 1\n = 2\n", "texts:2: expected"},
		{"a = 1\n\n a=2\n", "this key stands twice: a"},
		{"a = \x01\n", "texts:1: a control"},
		{"a = \xff\n", "texts:1: a control"},
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(template_set_texts(set, arena, str_of(bad[i].source), &why), ERR_CONFIG);
		assert_true(str_contains(why, str_of(bad[i].wanted)));
	}
	assert_str(template_text(set, "a"), "a");
	struct str texts = STR("# note\r\nurl = javascript:1\r\n\r\na.b=x = y\r\na = Tom & <Ann>\r\nunused =\n");
	assert_int_equal(template_set_texts(set, arena, texts, &why), OK);
	assert_str(
		rendered(set, "page", data("")), "<p title=\"Tom &amp; &lt;Ann&gt;\">x = yx = y<a href=\"#blocked\">");
	assert_str(rendered(set, "mail", data("")), "Tom & <Ann>");
	assert_str(template_text(set, "a.b"), "x = y");
	assert_str(template_text(set, "unused"), "");
	assert_str(template_text(set, "missing"), "missing");
}

static void test_values(void **state) {
	(void)state;
	struct value *d = data("first");
	value_text(arena, d, "x", STR("second"));
	struct template_source source = text("t", "{{x}}{{name}}");
	assert_str(rendered(compiled(&source, 1), "t", d), "secondouter");
	value_list(arena, d, "x");
	assert_str(rendered(compiled(&source, 1), "t", d), "outer");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_language, begin, end),
		cmocka_unit_test_setup_teardown(test_text_kind, begin, end),
		cmocka_unit_test_setup_teardown(test_escaped_everywhere, begin, end),
		cmocka_unit_test_setup_teardown(test_attributes_in_sections, begin, end),
		cmocka_unit_test_setup_teardown(test_urls, begin, end),
		cmocka_unit_test_setup_teardown(test_unsafe_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_sections_keep_the_context, begin, end),
		cmocka_unit_test_setup_teardown(test_rows_do_not_join_names, begin, end),
		cmocka_unit_test_setup_teardown(test_partials, begin, end),
		cmocka_unit_test_setup_teardown(test_bounds, begin, end),
		cmocka_unit_test_setup_teardown(test_rendering_ends, begin, end),
		cmocka_unit_test_setup_teardown(test_catalogue, begin, end),
		cmocka_unit_test_setup_teardown(test_values, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
