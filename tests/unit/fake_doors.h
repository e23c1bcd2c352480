/* fake_doors.h: the doors below the pages, with one person, one request and one application behind them. What a test
 * wants to be otherwise it says in `world`. Each door is a file of its own: fake_registrar.c, … */
#ifndef USHER_TESTS_FAKE_DOORS_H
#define USHER_TESTS_FAKE_DOORS_H

#include "base/clock.h"
#include "broker/steward/steward.h"
#include "web/pages/pages.h"

#define NOW 1795471380000ll

/* An `enum err` is what the call of that name fails with. */
struct world {
	/* The registrar */
	enum registration_state state;
	const char *name;   /* of the person who registered */
	int64_t decided_at; /* 0: half an hour before NOW */
	bool ready;         /* to be activated */
	enum err submit, verify_look, verify, activate_look, activate, actor, decide;
	int submitted, resent, withdrawn, decided;
	struct decision decision;
	bool is_operator;

	/* Login */
	bool logged_in;
	enum login_result login;
	enum err change, reset;
	const char *password_reason; /* of ERR_FIELDS, by activate, change and reset */
	bool old_wrong;
	int ended;

	/* The provider */
	enum authorize_next next;
	int64_t parked_at;
	enum err authorize, resume, logout_read;
	bool redirect, form_post, confirm, has_return, silent;
	int granted;

	/* The steward */
	enum err person; /* why there is no entry */
	enum err preview, order, plan;
	const char *wrong_field, *wrong_key;
	struct wishes wishes;
	struct order ordered;
	int applied, cancelled;

	struct str audit_actor, audit_subject; /* what the audit was asked for */
	struct str changed, replaced;          /* whose password; the session that a login was to take the place of */
	struct str authorization;              /* the header of a request */
	struct str refusal;                    /* what an application is told of an error, besides its word */
};
extern struct world world;

extern struct str fake_bases[1], fake_more[2]; /* DNs: where people may be, and the groups that they may have */
extern struct profile_config fake_profiles[2];
extern struct client_config fake_client;
extern struct directory_config fake_directory_config;
extern struct realm fake_realms[1];
extern struct config fake_config;

extern struct account fake_account;
extern struct session fake_sessions[2];
extern struct entry fake_entry;

/* In the state that the world says. */
struct registration *fake_registration(struct task *t);
/* Fails so; ERR_FIELDS says what is wrong with the password. */
enum err fake_password(struct task *t, enum err e, struct password_problem *problem);

#endif
