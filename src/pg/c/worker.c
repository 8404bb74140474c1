/*
 * worker.c: the signals of the delivery worker.
 */
#include "activity.h"

#include <signal.h>

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/procsignal.h"

static volatile sig_atomic_t stop_requested = false;
static volatile sig_atomic_t refused_signals = 0;

/*
 * Only the postmaster ends the worker: a SIGTERM from anybody else (pg_terminate_backend, a shell) is counted and
 * has no effect. SI_USER senders are told by pid, which SA_SIGINFO gives.
 */
static void
on_terminate(int signo, siginfo_t *info, void *context)
{
	int			saved_errno = errno;

	(void) signo;
	(void) context;
	if (info != NULL && info->si_pid == PostmasterPid)
		stop_requested = true;
	else
		refused_signals++;
	SetLatch(MyLatch);
	errno = saved_errno;
}

/*
 * SIGUSR1 is the server's own: a process that does not answer its barriers holds up DROP DATABASE. SIGHUP sets
 * ConfigReloadPending and the latch.
 */
void
activity_pg_worker_signals(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_terminate;
	action.sa_flags = SA_SIGINFO | SA_RESTART;
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGUSR1, procsignal_sigusr1_handler);
	pqsignal(SIGINT, SIG_IGN);
	pqsignal(SIGPIPE, SIG_IGN);
	BackgroundWorkerUnblockSignals();
}

bool
activity_pg_stop_requested(void)
{
	return stop_requested;
}

uint64
activity_pg_refused_signals(void)
{
	return (uint64) refused_signals;
}

void
activity_pg_exit(int code)
{
	proc_exit(code);
}
