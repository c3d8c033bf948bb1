package io.jllm.cpu.tier;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** A test class of a contract that runs once with each tier of kernels, whose name is its parameter: see {@link Tiers#assumeHere}. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedClass
@ValueSource(strings = {"scalar", "vector", "avx2", "avx512"})
public @interface EveryTier {
}
