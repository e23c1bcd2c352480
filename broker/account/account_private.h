/* account_private.h: shared by the files of this folder. */
#ifndef USHER_BROKER_ACCOUNT_ACCOUNT_PRIVATE_H
#define USHER_BROKER_ACCOUNT_ACCOUNT_PRIVATE_H

#include "broker/account/account.h"

/* A typed user name as the throttles count it. */
struct str login_name_key(struct arena *a, struct str username);

#endif
