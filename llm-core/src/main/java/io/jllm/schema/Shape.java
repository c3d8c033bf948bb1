package io.jllm.schema;

import java.lang.invoke.MethodHandle;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** A Java type as JSON has it. */
sealed interface Shape {
    /** {@code boolean}. */
    record Bool() implements Shape {
    }

    /**
     * A whole number.
     *
     * @param type its name in Java
     * @param min the least, where there is one
     * @param max the greatest, where there is one
     */
    record Whole(String type, Optional<BigDecimal> min, Optional<BigDecimal> max, Function<BigDecimal, Object> convert) implements Shape {
    }

    /** A number with a fraction. */
    record Real(String type, Function<BigDecimal, Object> convert) implements Shape {
    }

    /** A text that stands for itself. */
    record Text() implements Shape {
    }

    /**
     * A text of a certain form, such as a date.
     *
     * @param type its name in Java
     * @param form what holds for it, by keywords of JSON schema: {@code format} and {@code pattern}
     * @param parse throws a RuntimeException for other texts
     */
    record Formed(String type, Map<String, String> form, Function<String, Object> parse) implements Shape {
    }

    /** A constant of an enum, by its name in JSON. */
    record Choice(String type, Map<String, Object> byName, Optional<String> description) implements Shape {
        String nameOf(Object constant) {
            return byName.entrySet().stream().filter(e -> e.getValue() == constant).findFirst().orElseThrow().getKey();
        }
    }

    /** Values in a row; {@code collect} makes the list, set or array of them, {@code spread} takes it apart. */
    record Row(Shape element, Function<List<Object>, Object> collect, Function<Object, List<Object>> spread) implements Shape {
    }

    /** Values by texts. */
    record Table(Shape value) implements Shape {
    }

    /** A value or none; {@code wrap} and {@code unwrap} go from an {@code Optional} of it to the type and back. */
    record Maybe(Shape value, Function<Optional<Object>, Object> wrap, Function<Object, Optional<Object>> unwrap) implements Shape {
    }

    /** A type that is defined once and may hold itself. */
    sealed interface Named extends Shape {
        /** In definitions. */
        String name();

        Optional<String> description();
    }

    /** A record. Its fields are known when its type is. */
    final class Product implements Named {
        private final String name;
        private final Optional<String> description;
        private final MethodHandle constructor;
        private List<Field> fields = List.of();

        Product(String name, Optional<String> description, MethodHandle constructor) {
            this.name = name;
            this.description = description;
            this.constructor = constructor;
        }

        void is(List<Field> known) {
            fields = List.copyOf(known);
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public Optional<String> description() {
            return description;
        }

        MethodHandle constructor() {
            return constructor;
        }

        List<Field> fields() {
            return fields;
        }
    }

    /** A sealed interface: one of several records, which the field {@code type} tells apart. */
    final class Sum implements Named {
        static final String TYPE = "type";

        private final String name;
        private final Optional<String> description;
        private List<Variant> variants = List.of();

        Sum(String name, Optional<String> description) {
            this.name = name;
            this.description = description;
        }

        void is(List<Variant> known) {
            variants = List.copyOf(known);
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public Optional<String> description() {
            return description;
        }

        List<Variant> variants() {
            return variants;
        }
    }

    /**
     * A component of a record or a parameter of a method.
     *
     * @param accessor gives the component's value of a record
     */
    record Field(String name, Optional<String> description, Shape shape, Optional<MethodHandle> accessor) {
        boolean required() {
            return !(shape instanceof Maybe);
        }
    }

    /** One of several records. */
    record Variant(String name, Class<?> type, Product product) {
    }
}
