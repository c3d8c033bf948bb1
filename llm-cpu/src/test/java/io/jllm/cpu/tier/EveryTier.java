package io.jllm.cpu.tier;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** A class of tests for the kernels of each tier, whose names its parameter gets; those that this machine lacks are for {@link Tiers#assumeHere}. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedClass(name = "{0}")
@ValueSource(strings = {"scalar", "vector", "avx2", "avx512"})
public @interface EveryTier {
}
