/*
 * senders.c: who sent the worker a signal that it does not obey.
 *
 * The handler notes a sender here and the main thread takes the notes at its next round. Nothing is allocated and nobody waits: whoever
 * finds the table taken or full counts the signal as one without a sender. The same signal from the same sender is one note with a count,
 * so that a loop of kills fills nothing.
 *
 * The kernel vouches for pid and uid with SI_USER and SI_TKILL alone. Another process can send any other negative code, with any pid in
 * it (rt_sigqueueinfo), and have a descriptor send any signal with a positive one (F_SETSIG), in which there is no pid.
 */
#include "activity.h"

#include <fcntl.h>
#include <unistd.h>

#include "port/atomics.h"

/* Notes between two looks of the main thread, which are a second apart. */
#define MAX_NOTES 16

static pg_atomic_flag taken;
static pg_atomic_uint64 without_sender;
static ActivitySignal notes[MAX_NOTES];
static int	count = 0;

void
activity_pg_init_senders(void)
{
	pg_atomic_init_flag(&taken);
	pg_atomic_init_u64(&without_sender, 0);
}

/* The name of a process, best effort: it may be gone. Calls what a signal handler may call (signal-safety(7)). */
static void
read_program(int pid, char *program, int size)
{
	char		path[] = "/proc/\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	char		digits[12];
	int			length = 0;
	char	   *end = path + 6;
	int			file;
	ssize_t		got;

	program[0] = '\0';
	for (; pid > 0; pid /= 10)
		digits[length++] = (char) ('0' + pid % 10);
	while (length > 0)
		*end++ = digits[--length];
	memcpy(end, "/comm", 5);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return;
	got = read(file, program, size - 1);
	close(file);
	if (got > 0 && program[got - 1] == '\n')
		got--;
	program[Max(got, 0)] = '\0';
}

static bool
note(int signo, const siginfo_t *info)
{
	bool		sent = info->si_code <= 0;	/* else the kernel did, and its siginfo has no sender */
	int			pid = sent ? info->si_pid : 0;
	uint32		uid = sent ? info->si_uid : 0;
	ActivitySignal *free_note;

	for (int i = 0; i < count; i++)
	{
		ActivitySignal *known = &notes[i];

		if (known->signo == signo && known->code == info->si_code && known->pid == pid && known->uid == uid)
		{
			if (known->times < PG_UINT32_MAX)
				known->times++;
			return false;
		}
	}
	if (count == MAX_NOTES)
	{
		pg_atomic_fetch_add_u64(&without_sender, 1);
		return false;
	}
	free_note = &notes[count++];
	free_note->signo = signo;
	free_note->code = info->si_code;
	free_note->pid = pid;
	free_note->uid = uid;
	free_note->times = 1;
	/* A pid that is merely claimed would be somebody else's name. */
	read_program(info->si_code == SI_USER || info->si_code == SI_TKILL ? pid : 0, free_note->program,
				 sizeof(free_note->program));
	return true;
}

/* Called by the handler, on any thread. Whether there is something new to tell. */
bool
activity_pg_note_sender(int signo, const siginfo_t *info)
{
	bool		news;

	if (!pg_atomic_test_set_flag(&taken))
	{
		pg_atomic_fetch_add_u64(&without_sender, 1);
		return true;
	}
	news = note(signo, info);
	pg_atomic_clear_flag(&taken);
	return news;
}

/*
 * Takes the notes, as many as fit, and how many signals there were without one. Signals are blocked meanwhile, so that the handler does not
 * find the table taken by the very thread that it interrupted.
 */
int
activity_pg_take_senders(ActivitySignal *out, int capacity, uint64 *unnoted)
{
	sigset_t	all;
	sigset_t	before;
	int			taking = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pg_atomic_test_set_flag(&taken))
	{
		taking = Min(count, capacity);
		memcpy(out, notes, sizeof(ActivitySignal) * taking);
		count -= taking;
		memmove(notes, notes + taking, sizeof(ActivitySignal) * count);
		pg_atomic_clear_flag(&taken);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	*unnoted = pg_atomic_exchange_u64(&without_sender, 0);
	return taking;
}
