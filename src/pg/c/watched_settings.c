/*
 * watched_settings.c: hears of some settings of the server's own that a session changes, in whatever way: SET, set_config(), an
 * update of pg_settings, the SET clause of a function, the options of a login.
 *
 * The server calls a setting's check hook with each new value before it takes effect. It does not say of which setting, so
 * each of ours has a hook of its own.
 */
#include "frames.h"

#include "durable.h"
#include "sources.h"

#define MAX_WATCHED 8

typedef struct Watched
{
	const char *name;			/* NULL where none is */
	GucBoolCheckHook previous_bool;
	GucStringCheckHook previous_string;
	bool		by_client;		/* the options of the login set it */
} Watched;

static Watched watched[MAX_WATCHED];

/* A new value that is good. May raise an error in a session that must not go on. */
static bool
heard(Watched *setting, GucSource source)
{
	if (source == PGC_S_CLIENT)
		setting->by_client = true;
	else if (source == PGC_S_SESSION && capturing())
	{
		activity_on_setting(setting->name);
		await_intent();
	}
	return true;
}

#define HOOKS(place) \
	static bool \
	check_string_##place(char **value, void **extra, GucSource source) \
	{ \
		Watched    *setting = &watched[place]; \
		return (setting->previous_string == NULL || setting->previous_string(value, extra, source)) && \
			heard(setting, source); \
	} \
	static bool \
	check_bool_##place(bool *value, void **extra, GucSource source) \
	{ \
		Watched    *setting = &watched[place]; \
		return (setting->previous_bool == NULL || setting->previous_bool(value, extra, source)) && \
			heard(setting, source); \
	}

HOOKS(0)
HOOKS(1)
HOOKS(2)
HOOKS(3)
HOOKS(4)
HOOKS(5)
HOOKS(6)
HOOKS(7)

static const GucStringCheckHook string_hooks[MAX_WATCHED] = {
	check_string_0, check_string_1, check_string_2, check_string_3, check_string_4, check_string_5, check_string_6,
	check_string_7,
};
static const GucBoolCheckHook bool_hooks[MAX_WATCHED] = {
	check_bool_0, check_bool_1, check_bool_2, check_bool_3, check_bool_4, check_bool_5, check_bool_6, check_bool_7,
};

static void
watch(struct config_generic *setting)
{
	for (int place = 0; place < MAX_WATCHED; place++)
	{
		if (watched[place].name != NULL)
			continue;
		if (setting->vartype == PGC_STRING)
		{
			struct config_string *string = (struct config_string *) setting;

			watched[place].previous_string = string->check_hook;
			string->check_hook = string_hooks[place];
		}
		else if (setting->vartype == PGC_BOOL)
		{
			struct config_bool *boolean = (struct config_bool *) setting;

			watched[place].previous_bool = boolean->check_hook;
			boolean->check_hook = bool_hooks[place];
		}
		else
			break;
		watched[place].name = setting->name;
		return;
	}
	elog(ERROR, "activity_stream: setting \"%s\" cannot be watched", setting->name);
}

/* One that this version does not have is none. May raise an error, which keeps the server from starting. */
void
activity_pg_watch_setting(const char *name)
{
	struct config_generic *setting = find_setting(name);

	if (setting != NULL)
		watch(setting);
}

/* The names of those that the options of this session's login have set, from place 0 on; NULL behind the last. */
const char *
activity_pg_setting_by_client(int place)
{
	for (int i = 0; i < MAX_WATCHED; i++)
		if (watched[i].by_client && place-- == 0)
			return watched[i].name;
	return NULL;
}
