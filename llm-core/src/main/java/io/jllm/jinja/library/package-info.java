/**
 * What templates can call: filters, tests, methods and functions, each by its name and with the names of its arguments. Sources: the manual of
 * Jinja 3.1 ("List of Builtin Filters", "List of Builtin Tests", "List of Global Functions"), Python's manual for the methods, transformers for
 * {@code tojson}, {@code raise_exception} and {@code strftime_now}.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Builtin}, {@link Bound}: a function, and the arguments that a call passes it
 * <li>{@link Filters}: {@link TextFilters}, {@link NumberFilters}, {@link ListFilters}, {@link OrderFilters}, {@link SelectFilters}
 * <li>{@link Tests}: what follows {@code is}
 * <li>{@link Lookup}: attributes and elements; {@link Methods}: {@link StringMethods}, {@link ListMethods}, {@link DictMethods}
 * <li>{@link Globals}: functions that need no value; {@link Strftime}: dates
 * <li>{@link Texts}, {@link Formatting}: what filters and methods do with strings
 * </ul>
 */
package io.jllm.jinja.library;
