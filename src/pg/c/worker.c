/*
 * worker.c: the signals of the delivery worker.
 *
 * One handler has all of them but four, and obeys the postmaster alone:
 *
 *	SIGKILL, SIGSTOP	cannot be handled
 *	SIGUSR1				is the server's own (procsignal.c): any process of it may send one, none of them ends or stops anything, and who
 *						does not answer its barriers holds up DROP DATABASE
 *	SIGURG				is that of latches: blocked, and read from a descriptor (latch.c)
 *
 * Whatever else comes from elsewhere has no effect and is noted in senders.c, with these exceptions:
 *
 *	- a fault of our own, or an abort() of our own, ends the process as it would without a handler;
 *	- what a process sends itself (SIGPIPE of a write) is not told;
 *	- SIGALRM from the kernel is for the server's timeouts.
 *
 * Codes that another process cannot send are what tells them apart (see senders.c): SI_USER and SI_TKILL with a pid, and the positive ones
 * of the signals that the kernel itself raises for faults, which it keeps free of others' (fs/fcntl.c, sig_specific_sicodes).
 */
#include "activity.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/pmsignal.h"
#include "storage/procsignal.h"

/*
 * The two signals that the C library keeps for itself and whose sigaction() it refuses. It uses them between threads of a process, and gives
 * them handlers when it first needs to: the second one with the first thread, after which that one has no effect from elsewhere but is not told
 * either. Until then they end the process.
 */
#define FIRST_LIBRARY_SIGNAL 32
#define LAST_LIBRARY_SIGNAL 33
/* Room for the kernel's struct sigaction of any architecture, and the size of its set of signals. */
#define KERNEL_ACTION_WORDS 16
#define KERNEL_SET_BYTES 8

static volatile sig_atomic_t stop_requested = false;
static volatile sig_atomic_t stop_immediately = false;
static struct sigaction server_alarm;

static void
die_of(int signo)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = SIG_DFL;
	sigemptyset(&action.sa_mask);
	sigaction(signo, &action, NULL);
	/* It is blocked here, and has its effect when the handler returns. */
	raise(signo);
}

/*
 * SIGQUIT: the postmaster sends it to all its processes when one of them crashed, and when it shuts down immediately. After a
 * crash the ring is there for the next worker, and whoever stays holds up the restart. After an immediate shutdown it
 * is gone: what is in it goes to the spool, within the five seconds after which the postmaster sends SIGKILL.
 */
static bool
on_quit(void)
{
	switch (GetQuitSignalReason())
	{
		case PMQUIT_FOR_CRASH:
			_exit(2);
		case PMQUIT_FOR_STOP:
			stop_immediately = true;
			stop_requested = true;
			return true;
		case PMQUIT_NOT_SENT:
			break;
	}
	return false;
}

/* Whether it is one that the postmaster sends. */
static bool
obey(int signo)
{
	switch (signo)
	{
		case SIGTERM:
			stop_requested = true;
			return true;
		case SIGHUP:
			ConfigReloadPending = true;
			return true;
		case SIGQUIT:
			return on_quit();
		case SIGABRT:
			/* send_abort_for_crash and send_abort_for_kill, PostgreSQL 16 and later */
			die_of(signo);
			return true;
		default:
			return false;
	}
}

static inline bool
is_fault(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE || signo == SIGTRAP || signo == SIGSYS;
}

static void
on_signal(int signo, siginfo_t *info, void *context)
{
	int			saved_errno = errno;
	bool		vouched = info->si_code == SI_USER || info->si_code == SI_TKILL;
	bool		wake = true;

	(void) context;
	if (is_fault(signo) && info->si_code > 0)
		die_of(signo);
	else if (vouched && info->si_pid == getpid())
	{
		if (is_fault(signo) || signo == SIGABRT)
			die_of(signo);
		wake = false;
	}
	else if (info->si_code == SI_USER && info->si_pid == PostmasterPid && obey(signo))
		 /* done */ ;
	else if (signo == SIGALRM && info->si_code == SI_KERNEL && !(server_alarm.sa_flags & SA_SIGINFO) &&
			 server_alarm.sa_handler != SIG_DFL && server_alarm.sa_handler != SIG_IGN)
		server_alarm.sa_handler(signo);
	else if (signo == SIGCHLD && info->si_code > 0)
		wake = false;
	else
		wake = activity_pg_note_sender(signo, info);
	if (wake)
		SetLatch(MyLatch);
	errno = saved_errno;
}

static inline bool
is_left_alone(int signo)
{
	return signo == SIGKILL || signo == SIGSTOP || signo == SIGUSR1 || signo == SIGURG;
}

/* Gives the library's two signals the action of another one, as the kernel has it. */
static void
handle_library_signals(void)
{
	unsigned long action[KERNEL_ACTION_WORDS] = {0};

	if (syscall(SYS_rt_sigaction, SIGTERM, NULL, action, KERNEL_SET_BYTES) != 0)
		return;
	for (int signo = FIRST_LIBRARY_SIGNAL; signo <= LAST_LIBRARY_SIGNAL && signo < SIGRTMIN; signo++)
		syscall(SYS_rt_sigaction, signo, action, NULL, KERNEL_SET_BYTES);
}

void
activity_pg_worker_signals(void)
{
	struct sigaction action;

	activity_pg_init_senders();
	sigaction(SIGALRM, NULL, &server_alarm);
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_signal;
	action.sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP;
	sigfillset(&action.sa_mask);
	for (int signo = 1; signo <= SIGRTMAX; signo++)
	{
		/* The library's own are refused here. */
		if (!is_left_alone(signo))
			sigaction(signo, &action, NULL);
	}
	handle_library_signals();
	pqsignal(SIGUSR1, procsignal_sigusr1_handler);
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

void
activity_pg_exit(int code)
{
	/* The server's shared memory may be in any state: as SignalHandlerForCrashExit does. */
	if (stop_immediately)
		_exit(2);
	proc_exit(code);
}
