package io.jllm.chat.tools;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A method that a model may call. Its parameters are told to the model by their names and types; {@link io.jllm.schema.Description} on a parameter
 * says more.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface ToolMethod {
    /** What it does and when to use it, for the model. */
    String value();

    /** The tool's name: 1 to 64 letters, digits, {@code _} and {@code -}; the method's if empty. */
    String name() default "";
}
