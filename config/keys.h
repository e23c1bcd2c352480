/* keys.h: the parts of the table of keys; key_at() counts through all of them. */
#ifndef USHER_CONFIG_KEYS_H
#define USHER_CONFIG_KEYS_H

#include "config/config_private.h"

extern const struct key keys_server[], keys_realm[], keys_directory[], keys_profile[], keys_client[];
extern const size_t n_keys_server, n_keys_realm, n_keys_directory, n_keys_profile, n_keys_client;

#endif
