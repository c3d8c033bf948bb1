/**
 * Values of templates, and what Python's operators do with them. All that is made is counted by a meter, so that no template takes more than its
 * share; strings know which of their characters the template wrote.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Value} and its kinds: {@link Str}, {@link Int}, {@link Real}, {@link Bool}, {@link None}, {@link Undefined}; {@link ListValue},
 * {@link TupleValue}, {@link RangeValue}, {@link Dict}, {@link DictView}, {@link Generator}; {@link Namespace}, {@link Callable},
 * {@link Attributed}
 * <li>{@link Meter}: limits of a rendering; {@link JinjaException}: what goes wrong
 * <li>{@link TextBuilder}: strings put together; {@link Printing}, {@link Numbers}: values as text; {@link Percent}: formats
 * <li>{@link Kinds}, {@link Comparison}, {@link Arithmetic}, {@link Subscripts}: operators
 * <li>{@link Arguments}: what a call passes
 * </ul>
 */
package io.jllm.jinja.value;
