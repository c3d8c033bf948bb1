/**
 * A Jinja of our own for chat templates: what Python's does with the settings of Hugging Face, bounded in steps, depth and output, and with the
 * origin of each character kept, so that only what a template wrote can become a special token. Hidden; applications see {@code io.jllm.chat}.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Template}: read once, rendered for each prompt
 * <li>{@link Executor}: statements; {@link Evaluator}: expressions; {@link Scope}: variables
 * <li>{@link Macro}, {@link Loop}: what statements make that expressions call
 * <li>{@link TemplateTraits}: in which forms a template takes messages
 * <li>io.jllm.jinja.syntax reads templates, io.jllm.jinja.value has values and operators, io.jllm.jinja.library filters, tests, methods and
 * functions, io.jllm.jinja.json JSON
 * </ul>
 */
package io.jllm.jinja;
