/* migrate.h: the schema's versions, embedded by schemas/embed.sh. Private to this folder. */
#ifndef USHER_BROKER_STORE_MIGRATE_H
#define USHER_BROKER_STORE_MIGRATE_H

#include "base/base.h"

struct migration {
	int64_t version; /* 1, 2, … without gaps */
	const char *name;
	const char *sql;
};
extern const struct migration store_migrations[];
extern const size_t store_migrations_count;

#endif
