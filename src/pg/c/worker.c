/*
 * worker.c: the signals of the delivery worker.
 */
#include "activity.h"

#include <signal.h>
#include <unistd.h>

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/pmsignal.h"
#include "storage/procsignal.h"

static volatile sig_atomic_t stop_requested = false;
static volatile sig_atomic_t stop_immediately = false;
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
 * The postmaster sends SIGQUIT to all its processes when one of them crashed, and when it shuts down immediately. After a
 * crash the ring is there for the next worker, and whoever stays holds up the restart. After an immediate shutdown it
 * is gone: what is in it goes to the spool, within the five seconds after which the postmaster sends SIGKILL.
 */
static void
on_quit(int signo)
{
	int			saved_errno = errno;

	(void) signo;
	switch (GetQuitSignalReason())
	{
		case PMQUIT_FOR_CRASH:
			_exit(2);
		case PMQUIT_FOR_STOP:
			stop_immediately = true;
			stop_requested = true;
			break;
		case PMQUIT_NOT_SENT:
			/* From somebody else; to end of it would be a crash of the server. */
			refused_signals++;
			break;
	}
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
	pqsignal(SIGQUIT, on_quit);
	pqsignal(SIGINT, SIG_IGN);
	pqsignal(SIGPIPE, SIG_IGN);
	BackgroundWorkerUnblockSignals();
}

bool
activity_pg_stop_requested(void)
{
	return stop_requested;
}

bool
activity_pg_stop_immediately(void)
{
	return stop_immediately;
}

uint64
activity_pg_refused_signals(void)
{
	return (uint64) refused_signals;
}

void
activity_pg_exit(int code)
{
	/* The server's shared memory may be in any state: as SignalHandlerForCrashExit does. */
	if (stop_immediately)
		_exit(2);
	proc_exit(code);
}
