#include "federation/directory/driver.h"

static const struct driver *const drivers[] = {
	[DIRECTORY_OPENLDAP] = &driver_openldap,
	[DIRECTORY_ACTIVE_DIRECTORY] = &driver_active_directory,
	[DIRECTORY_389DS] = &driver_389ds,
};

const struct driver *driver_of(const struct directory_config *d) {
	size_t i = (size_t)d->driver;
	return i < COUNT(drivers) ? drivers[i] : NULL;
}
