/* base.h: attributes, small macros and every ceiling that is not configuration.
 *
 * Everything a user can enlarge has a limit; the ones fixed at build time stand here, the ones an administrator may
 * set stand in config/keys.c. Sizes are bytes, times are milliseconds unless the name says otherwise. */
#ifndef USHER_BASE_BASE_H
#define USHER_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/banned.h"

#define must_use __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* owned(x) T *p: calls x_cleanup(&p) when p leaves its scope. The header that declares the type defines x_cleanup by
 * OWNED(name, type, function); function is not called for NULL. */
#define owned(name) __attribute__((cleanup(name##_cleanup)))
#define OWNED(name, type, function)                                                                                    \
	static inline void name##_cleanup(type *p) {                                                                   \
		if (*p)                                                                                                \
			function(*p);                                                                                  \
	}

/* Ceilings. */
#define LIMIT_ARENA (16u << 20)       /* memory of one task */
#define LIMIT_BODY (64u << 10)        /* request body */
#define LIMIT_TARGET 8192u            /* request target, path and query */
#define LIMIT_FORM_FIELDS 64u         /* parameters in one query or form */
#define LIMIT_FIELD_NAME 64u          /* name of a parameter */
#define LIMIT_FIELD_VALUE 8192u       /* value of a parameter, decoded */
#define LIMIT_COOKIE 8192u            /* one Cookie header */
#define LIMIT_RESPONSE (1u << 20)     /* a rendered page or JSON answer */
#define LIMIT_TEMPLATE (64u << 10)    /* source of one template */
#define LIMIT_TEMPLATE_DEPTH 8u       /* nested sections and partials */
#define LIMIT_JWS 16384u              /* compact JWS that is read */
#define LIMIT_MAIL_ADDRESS 254u       /* RFC 5321 4.5.3.1.3, less the brackets */
#define LIMIT_MAIL (256u << 10)       /* one composed message */
#define LIMIT_DN 2048u                /* a distinguished name */
#define LIMIT_PASSWORD 1024u          /* bytes of a password, before the directory sees it */
#define LIMIT_VALUES 256u             /* values of one attribute that are kept; groups have their own paging */
#define LIMIT_GROUPS 2000u            /* groups of one person, nested ones included */
#define LIMIT_CANDIDATES 16u          /* login-name candidates carried by one plan */
#define LIMIT_CONFIG (4u << 20)       /* configuration file */
#define LIMIT_CONFIG_ERRORS 64u       /* configuration errors reported at once */
#define LIMIT_HANDLES 32u             /* handles that one worker keeps open */

/* Time, in milliseconds. */
#define TASK_PAGE_MS 10000
#define TASK_JOB_MS 60000

#endif
