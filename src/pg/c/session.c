/*
 * session.c: who is at the other end.
 *
 * Port is read here and not through generated bindings: its layout depends on build options of the server.
 */
#include "activity.h"

#include "port.h"

#include "common/ip.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#define UNIX_EPOCH_OFFSET_US \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

void
activity_pg_session(ActivitySession *out)
{
	Port	   *port = MyProcPort;

	memset(out, 0, sizeof(*out));
	out->pid = MyProcPid;
	out->start_unix_us = MyStartTimestamp + UNIX_EPOCH_OFFSET_US;
	if (port == NULL)
		return;
	out->has_client = true;
	out->unix_socket = port->raddr.addr.ss_family == AF_UNIX;
	out->user_name = port->user_name;
	out->database_name = port->database_name;
	out->remote_host = port->remote_host;
	out->remote_port = port->remote_port;
	out->startup_application = port->application_name;
}

/*
 * Whether the role that logged in is a superuser and came by the Unix socket, so from this machine. Reads the catalogs.
 */
bool
activity_pg_superuser_by_socket(void)
{
	return MyProcPort != NULL && MyProcPort->laddr.addr.ss_family == AF_UNIX && superuser_arg(GetAuthenticatedUserId());
}

/* The address of ours that the client connected to, as text; false where there is none. */
bool
activity_pg_server_address(char *buffer, int size)
{
	Port	   *port = MyProcPort;

	if (port == NULL || port->laddr.addr.ss_family == AF_UNIX)
		return false;
	return pg_getnameinfo_all(&port->laddr.addr, port->laddr.salen, buffer, size, NULL, 0,
							  NI_NUMERICHOST | NI_NUMERICSERV) == 0;
}
