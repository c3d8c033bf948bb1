package io.jllm.convert;
/** skeleton */
public final class Converter { private Converter() {} }
