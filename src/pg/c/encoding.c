/*
 * encoding.c: text of the server's encoding as UTF-8, also when the transaction is aborted.
 *
 * The server's own way (pg_server_to_any) looks the conversion up in the catalogs each time and raises an error on the
 * first byte that means nothing. Here the function is looked up once per process, from pg_catalog alone (a user may
 * define conversions of his own), and called so that it stops instead.
 */
#include "activity.h"

#include "access/xact.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_namespace.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

static FmgrInfo conversion;
static bool found = false;
static bool looked_for = false;

/* The encoding of the server's texts. Asked for every statement: without the guard that calls from Rust go through. */
int
activity_pg_encoding(void)
{
	return GetDatabaseEncoding();
}

/* Where catalogs cannot be read now, the next call looks. */
void
activity_pg_find_conversion(void)
{
	Oid			function;

	if (looked_for || !IsTransactionState())
		return;
	function = FindDefaultConversion(PG_CATALOG_NAMESPACE, GetDatabaseEncoding(), PG_UTF8);
	if (OidIsValid(function))
	{
		fmgr_info_cxt(function, &conversion, TopMemoryContext);
		found = true;
	}
	looked_for = true;
}

/*
 * Converts up to the first byte that has no meaning, or to the end. Returns the bytes written, -1 where there is no
 * conversion; *taken is how much of the source they stand for. The destination has to have
 * MAX_CONVERSION_GROWTH * length + 1 bytes. Raises nothing.
 */
int
activity_pg_convert(const char *source, int length, char *destination, int size, int *taken)
{
	*taken = 0;
	if (!found || length < 0 || size < MAX_CONVERSION_GROWTH * (int64) length + 1)
		return -1;
	destination[0] = '\0';
	*taken = DatumGetInt32(FunctionCall6(&conversion,
										 Int32GetDatum(GetDatabaseEncoding()),
										 Int32GetDatum(PG_UTF8),
										 CStringGetDatum(source),
										 CStringGetDatum(destination),
										 Int32GetDatum(length),
										 BoolGetDatum(true)));
	return (int) strlen(destination);
}

/* How much of a text in the server's encoding whole characters fill, of at most limit bytes. Raises nothing. */
int
activity_pg_clip(const char *text, int length, int limit)
{
	if (length <= limit)
		return length;
	return pg_encoding_mbcliplen(GetDatabaseEncoding(), text, length, limit);
}

/* The bytes of the character that begins here, as its first byte has it, at most length. */
int
activity_pg_character_bytes(const char *text, int length)
{
	int			bytes = pg_encoding_mblen(GetDatabaseEncoding(), text);

	return Max(1, Min(bytes, length));
}
