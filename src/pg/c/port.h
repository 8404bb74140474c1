/*
 * port.h: libpq-be.h without the headers of Kerberos and OpenSSL.
 *
 * The fields that these options add lie behind all that we read, so leaving them out moves nothing of ours.
 */
#ifndef ACTIVITY_PORT_H
#define ACTIVITY_PORT_H

#undef ENABLE_GSS
#undef ENABLE_SSPI
#undef USE_OPENSSL

#include "libpq/libpq-be.h"

#include "libpq/auth.h"

#endif
