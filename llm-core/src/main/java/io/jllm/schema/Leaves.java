package io.jllm.schema;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.Period;
import java.time.ZonedDateTime;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;

/** The types that hold no others. */
final class Leaves {
    private static final String TIME = "([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d{1,9})?)?";
    /** Java knows no places that are further from Greenwich. */
    private static final String OFFSET = "(Z|[+-]((0\\d|1[0-7]):[0-5]\\d|18:00))$";
    private static final String NUMBER = "-?\\d{1,9}";
    private static final String SECONDS = NUMBER + "(\\.\\d{1,9})?S";
    private static final String HOURS = "T(" + NUMBER + "H(" + NUMBER + "M)?(" + SECONDS + ")?|" + NUMBER + "M(" + SECONDS + ")?|" + SECONDS + ")";
    /** A duration has no months and years, whose length is not certain, and a period nothing shorter than days. */
    private static final String DURATION = "^P(" + NUMBER + "D(" + HOURS + ")?|" + HOURS + ")$";
    private static final String PERIOD = "^P(" + NUMBER + "Y(" + NUMBER + "M)?(" + NUMBER + "D)?|" + NUMBER + "M(" + NUMBER + "D)?|" + NUMBER + "D"
            + "|-?\\d{1,8}W)$";

    private static final Map<Class<?>, Shape> SHAPES = Map.ofEntries(
            Map.entry(boolean.class, new Shape.Bool()), Map.entry(Boolean.class, new Shape.Bool()),
            Map.entry(byte.class, whole("byte", Byte.MIN_VALUE, Byte.MAX_VALUE, BigDecimal::byteValueExact)),
            Map.entry(short.class, whole("short", Short.MIN_VALUE, Short.MAX_VALUE, BigDecimal::shortValueExact)),
            Map.entry(int.class, whole("int", Integer.MIN_VALUE, Integer.MAX_VALUE, BigDecimal::intValueExact)),
            Map.entry(long.class, whole("long", Long.MIN_VALUE, Long.MAX_VALUE, BigDecimal::longValueExact)),
            Map.entry(Byte.class, whole("Byte", Byte.MIN_VALUE, Byte.MAX_VALUE, BigDecimal::byteValueExact)),
            Map.entry(Short.class, whole("Short", Short.MIN_VALUE, Short.MAX_VALUE, BigDecimal::shortValueExact)),
            Map.entry(Integer.class, whole("Integer", Integer.MIN_VALUE, Integer.MAX_VALUE, BigDecimal::intValueExact)),
            Map.entry(Long.class, whole("Long", Long.MIN_VALUE, Long.MAX_VALUE, BigDecimal::longValueExact)),
            Map.entry(BigInteger.class, new Shape.Whole("BigInteger", Optional.empty(), Optional.empty(), BigDecimal::toBigIntegerExact)),
            Map.entry(float.class, new Shape.Real("float", Leaves::finiteFloat)), Map.entry(Float.class, new Shape.Real("Float", Leaves::finiteFloat)),
            Map.entry(double.class, new Shape.Real("double", Leaves::finiteDouble)),
            Map.entry(Double.class, new Shape.Real("Double", Leaves::finiteDouble)),
            Map.entry(BigDecimal.class, new Shape.Real("BigDecimal", d -> d)),
            Map.entry(String.class, new Shape.Text()),
            Map.entry(LocalDate.class, format("LocalDate", "date", LocalDate::parse)),
            Map.entry(Instant.class, offset("Instant", "date-time", Instant::parse)),
            Map.entry(OffsetDateTime.class, offset("OffsetDateTime", "date-time", OffsetDateTime::parse)),
            Map.entry(ZonedDateTime.class, offset("ZonedDateTime", "date-time", ZonedDateTime::parse)),
            Map.entry(OffsetTime.class, offset("OffsetTime", "time", OffsetTime::parse)),
            Map.entry(Duration.class, pattern("Duration", DURATION, Duration::parse)),
            Map.entry(Period.class, pattern("Period", PERIOD, Period::parse)),
            Map.entry(UUID.class, format("UUID", "uuid", Leaves::uuid)),
            Map.entry(URI.class, format("URI", "uri", URI::create)),
            Map.entry(LocalTime.class, pattern("LocalTime", "^" + TIME + "$", LocalTime::parse)),
            Map.entry(LocalDateTime.class, pattern("LocalDateTime", "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T" + TIME + "$",
                    LocalDateTime::parse)));

    private Leaves() {
    }

    static Optional<Shape> of(Class<?> type) {
        return Optional.ofNullable(SHAPES.get(type));
    }

    private static Shape whole(String type, long min, long max, Function<BigDecimal, Object> convert) {
        return new Shape.Whole(type, Optional.of(BigDecimal.valueOf(min)), Optional.of(BigDecimal.valueOf(max)), convert);
    }

    private static Shape format(String type, String name, Function<String, Object> parse) {
        return new Shape.Formed(type, Map.of("format", name), parse);
    }

    private static Shape offset(String type, String format, Function<String, Object> parse) {
        return new Shape.Formed(type, Map.of("format", format, "pattern", OFFSET), parse);
    }

    private static Shape pattern(String type, String pattern, Function<String, Object> parse) {
        return new Shape.Formed(type, Map.of("pattern", pattern), parse);
    }

    /** Java's own also takes shorter texts. */
    private static UUID uuid(String text) {
        UUID id = UUID.fromString(text);
        if (!id.toString().equalsIgnoreCase(text)) {
            throw new IllegalArgumentException("not 8-4-4-4-12 hexadecimal digits");
        }
        return id;
    }

    private static Float finiteFloat(BigDecimal d) {
        return finite(d.floatValue(), Float.MAX_VALUE);
    }

    private static Double finiteDouble(BigDecimal d) {
        return finite(d.doubleValue(), Double.MAX_VALUE);
    }

    private static <N extends Number> N finite(N value, N max) {
        if (Double.isInfinite(value.doubleValue())) {
            throw new ArithmeticException("the greatest is " + max);
        }
        return value;
    }
}
