package io.jllm.quant.safetensors;
/** skeleton */
public final class SafetensorsFile { private SafetensorsFile() {} }
