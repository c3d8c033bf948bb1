package io.jllm.jinja.value;

/** What an expression of a template gives: a value as Python has it. */
public sealed interface Value permits Str, Int, Real, Bool, None, Undefined, ListValue, TupleValue, RangeValue, Dict, DictView, Generator,
        Namespace, Callable, Attributed {
}
