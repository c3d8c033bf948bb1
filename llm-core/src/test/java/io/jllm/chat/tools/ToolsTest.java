package io.jllm.chat.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import io.jllm.chat.Message;
import io.jllm.chat.Role;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolCall;
import io.jllm.schema.Description;
import io.jllm.schema.Name;
import io.jllm.schema.UnsupportedTypeException;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ToolsTest {
    record Forecast(String city, List<Integer> degrees) { }

    enum Unit { CELSIUS, FAHRENHEIT }

    /** Not public: its methods are. */
    static class Weather {
        int calls;

        @ToolMethod("The forecast for a city")
        public Forecast forecast(@Name("city") @Description("in English") String city, @Name("days") int days,
                                 @Name("unit") Optional<Unit> unit) {
            calls++;
            return new Forecast(city + unit.map(u -> " in " + u).orElse(""), java.util.stream.IntStream.range(0, days).boxed().toList());
        }

        @ToolMethod(value = "Says it again", name = "say-again")
        public String echo(@Name("text") String text) {
            return text;
        }

        @ToolMethod("Does its work")
        public void work() {
            calls++;
        }

        @ToolMethod("Fails")
        public int fail(@Name("how") String how) throws Exception {
            switch (how) {
                case "checked" -> throw new IOException("no network");
                case "silent" -> throw new IllegalStateException();
                case "interrupted" -> throw new InterruptedException();
                case "error" -> throw new AssertionError("broken");
                default -> {
                    return 0;
                }
            }
        }

        @ToolMethod("Gives nothing")
        public List<String> nothing() {
            return null;
        }
    }

    private static String call(Tools tools, String name, String arguments) {
        Message message = tools.call(new ToolCall("id1", name, arguments));
        assertEquals(Role.TOOL, message.role());
        assertEquals(Optional.of("id1"), message.toolCallId());
        assertEquals(Optional.of(name), message.name());
        return message.content();
    }

    @Test
    void methodsBecomeTools() {
        var tools = Tools.of(new Weather()).list();
        assertEquals(List.of("say-again", "fail", "forecast", "nothing", "work"), tools.stream().map(Tool::name).toList());
        Tool forecast = tools.get(2);
        assertEquals("The forecast for a city", forecast.description());
        assertEquals(JsonParser.parseString("{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"description\":\"in English\"},"
                + "\"days\":{\"type\":\"integer\"},\"unit\":{\"type\":\"string\",\"enum\":[\"CELSIUS\",\"FAHRENHEIT\"]}},\"required\":[\"city\",\"days\"],"
                + "\"additionalProperties\":false}"), JsonParser.parseString(forecast.parameters()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', value = {
        "forecast ~ {\"city\": \"Rome\", \"days\": 2} ~ {\"city\":\"Rome\",\"degrees\":[0,1]}",
        "forecast ~ {\"city\": \"Rome\", \"days\": 0, \"unit\": \"CELSIUS\"} ~ {\"city\":\"Rome in CELSIUS\",\"degrees\":[]}",
        "say-again ~ {\"text\": \"<b>\"} ~ <b>", "work ~ {} ~ done", "nothing ~ {} ~ null", "fail ~ {\"how\": \"not\"} ~ 0",
        "fail ~ {\"how\": \"checked\"} ~ error: no network", "fail ~ {\"how\": \"silent\"} ~ error: IllegalStateException",
        "forecast ~ {\"city\": \"Rome\"} ~ error: $.days is missing",
        "forecast ~ {\"city\": \"Rome\", \"days\": \"2\"} ~ error: $.days must be a whole number from -2147483648 to 2147483647, is \"2\"",
        "forecast ~ {\"town\": \"Rome\", \"days\": 2} ~ error: $.town is unknown; known are [city, days, unit]",
        "forecast ~ {\"city\": \"Rome\", \"days\": 2, \"unit\": \"KELVIN\"} ~ error: $.unit must be one of CELSIUS, FAHRENHEIT, is \"KELVIN\"",
        "forecast ~ [1] ~ error: $ must be an object, is an array", "sing ~ {} ~ error: there is no tool sing; there are: say-again, fail, forecast, nothing, work"})
    void results(String name, String arguments, String result) {
        assertEquals(result, call(Tools.of(new Weather()), name, arguments));
    }

    @Test
    void argumentsThatAreNoJson() {
        var weather = new Weather();
        var tools = Tools.of(weather);
        assertTrue(call(tools, "forecast", "{\"city\": Rome}").startsWith("error: the text is not valid JSON"));
        assertEquals(0, weather.calls);
        assertEquals("done", call(tools, "work", " "));
        assertEquals(1, weather.calls);
    }

    @Test
    void interruptionsStayAndErrorsAreThrown() {
        var tools = Tools.of(new Weather());
        assertEquals("error: interrupted", call(tools, "fail", "{\"how\": \"interrupted\"}"));
        assertTrue(Thread.interrupted());
        assertThrows(AssertionError.class, () -> call(tools, "fail", "{\"how\": \"error\"}"));
    }

    @Test
    void functions() {
        var tool = new Tool("up", "", "{}");
        var tools = Tools.builder().add(tool, a -> a.toUpperCase(java.util.Locale.ROOT)).addMethods(new Weather()).build();
        assertSame(tool, tools.list().getFirst());
        assertEquals("{\"A\": 1}", call(tools, "up", "{\"a\": 1}"));
        assertThrows(IllegalArgumentException.class, () -> Tools.builder().add(tool, a -> a).add(tool, a -> a));
        assertThrows(IllegalArgumentException.class, () -> Tools.builder().add(new Tool("a b", "", "{}"), a -> a));
    }

    static class Hidden {
        @ToolMethod("x")
        void hidden() { }
    }

    static class Untyped {
        @ToolMethod("x")
        public void take(@Name("x") Object x) { }
    }

    static class Overloaded {
        @ToolMethod("x")
        public void f(@Name("a") int a) { }

        @ToolMethod("x")
        public void f(@Name("a") String a) { }
    }

    static class Unnamed {
        @ToolMethod("x")
        public void f(int a) { }
    }

    @Test
    void refusedByName() {
        assertTrue(message(IllegalArgumentException.class, new Hidden()).contains("make it public"));
        assertTrue(message(IllegalArgumentException.class, "text").contains("java.lang.String has no method with @ToolMethod"));
        assertTrue(message(UnsupportedTypeException.class, new Untyped()).contains("java.lang.Object at Untyped.take"));
        assertTrue(message(IllegalArgumentException.class, new Overloaded()).contains("two tools named f"));
        boolean named = Unnamed.class.getMethods()[0].getParameters().length == 1 && Unnamed.class.getMethods()[0].getParameters()[0].isNamePresent();
        if (!named) {
            assertTrue(message(UnsupportedTypeException.class, new Unnamed()).contains("compile with -parameters"));
        }
    }

    private static String message(Class<? extends RuntimeException> type, Object object) {
        return assertThrows(type, () -> Tools.of(object)).getMessage();
    }
}
