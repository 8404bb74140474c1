/*
 * sources.c: the server's settings, by name, and where it has their values from.
 */
#include "sources.h"

/* NULL where this version has none of that name. */
struct config_generic *
find_setting(const char *name)
{
#if PG_VERSION_NUM >= 160000
	return find_option(name, false, true, DEBUG5);
#else
	struct config_generic **settings = get_guc_variables();
	int			count = GetNumConfigOptions();

	for (int i = 0; i < count; i++)
		if (pg_strcasecmp(settings[i]->name, name) == 0)
			return settings[i];
	return NULL;
#endif
}

/*
 * False where there is no such setting. The strings are the server's and live until the setting changes; file is NULL where it does
 * not come from one.
 */
bool
activity_pg_setting_source(const char *name, bool *built_in, const char **source, const char **file, int *line)
{
	struct config_generic *setting = find_setting(name);

	if (setting == NULL)
		return false;
	*built_in = setting->source == PGC_S_DEFAULT || setting->source == PGC_S_DYNAMIC_DEFAULT;
	*source = GucSource_Names[setting->source];
	*file = setting->source == PGC_S_FILE ? setting->sourcefile : NULL;
	*line = setting->sourceline;
	return true;
}
