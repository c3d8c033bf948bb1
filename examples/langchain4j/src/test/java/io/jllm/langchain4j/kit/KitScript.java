package io.jllm.langchain4j.kit;

import io.jllm.chat.Answer;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import io.jllm.chat.Role;
import io.jllm.chat.ToolCall;
import io.jllm.langchain4j.ScriptedLlm;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** What a good model says to the questions of LangChain4j's kits. */
final class KitScript implements ScriptedLlm.Script {
    /**
     * What is said where the last message of the user holds a text.
     *
     * @param says the first answer that the request admits; nothing where tools have given results, and they are told
     * @param turn how many answers were given since the user's message
     */
    private record Rule(String asked, int turn, List<Answer> says) {
    }

    private static final String KLAUS = "{\"name\": \"Klaus\", \"age\": 37, \"height\": 1.78, \"married\": false}";
    private static final String FRANNY = "{\"name\": \"Franny\", \"age\": 35, \"height\": 1.65, \"married\": true}";
    private static final String REX = "{\"type\": \"Dog\", \"name\": \"Rex\", \"breed\": \"Labrador\"}";

    private final List<Rule> rules = new ArrayList<>();

    KitScript() {
        questions();
        tools();
        extractions();
        lists();
        scalars();
    }

    private void questions() {
        says("How much is 2 + 2?", "The capital of Germany is Berlin, and 2 + 2 is 4.");
        says("What is the capital of Germany?", "The capital of Germany is Berlin.", "{\"city\": \"Berlin\"}");
        says("Translate: 'I love you'", "Ich liebe dich.");
        says("What is my favorite color?", "Your favorite color is green.");
        says("Say 'Hello World'", "Hello World");
        says("long story about animals", "Once upon a time there was a cat, and a dog, and a little mouse. ".repeat(6));
        says("hello", "Hello! How can I help you today?");
    }

    private void tools() {
        calls("Munich? Use 'getWeather'", call("getWeather", "{\"arg0\": \"Munich\"}"));
        then("Munich? Use 'getWeather'", 1, "{\"city\": \"Munich\", \"weather\": \"SUNNY\"}");
        calls("What is the weather in Munich?", call("getWeather", "{\"city\": \"Munich\"}"));
        then("What is the weather in Munich?", 1, "{\"weather\": \"sunny\"}");
        calls("I live in Munich", call("getWeather", "{\"city\": \"Munich\"}"));
        calls("Use the get_current_time tool", call("get_current_time", "{}"));
        calls("weather in Munich and time in France", call("getWeather", "{\"city\": \"Munich\"}"), call("getTime", "{\"country\": \"France\"}"));
        calls("How much is 73 plus 78?", call("add", "{\"arg0\": 37, \"arg1\": 87}"), call("add", "{\"arg0\": 73, \"arg1\": 78}"));
        calls("How much is 37 plus 87?", call("add", "{\"arg0\": 37, \"arg1\": 87}"));
        calls("Now add 47 to the previous result", call("add", "{\"arg0\": 124, \"arg1\": 47}"));
        calls("First add 2 and 3", call("add", "{\"arg0\": 2, \"arg1\": 3}"));
        rules.add(new Rule("First add 2 and 3", 1, List.of(called(call("multiply", "{\"arg0\": 5, \"arg1\": 4}")))));
        calls("What is the time now?", call("currentTime", "{}"));
        calls("What is the date today?", call("currentDate", "{}"));
        calls("temperature in Munich in celsius", call("currentTemperature", "{\"arg0\": \"Munich\", \"arg1\": \"CELSIUS\"}"));
        calls("Klaus is 42 years old and Francine", call("process", "{\"arg0\": {\"Klaus\": 42, \"Francine\": 47}}"));
        calls("names: Klaus and Franny", call("processNames", "{\"arg0\": [\"Klaus\", \"Franny\"]}"));
        calls("colors: RED and GREEN", call("process", "{\"arg0\": [\"RED\", \"GREEN\"]}"));
        calls("integers: 37, 73", call("processNumbers", "{\"arg0\": [37, 73]}"));
        calls("people: Klaus and Franny", call("process", "{\"arg0\": [{\"name\": \"Klaus\"}, {\"name\": \"Franny\"}]}"));
        calls("username with ID", call("getUsernameFromId", "{\"arg0\": \"62dbcc27-aaf3-449a-b12d-5a904271a57f\"}"));
        calls("Call tool 'modify'", call("modify", "{\"arg0\": 7}"));
        calls("Take a photo", call("takePhoto", "{}"));
        calls("following: Klaus is 37 years old", call("process", "{\"arg0\": " + KLAUS + "}"));
        calls("following: Klaus lives in Langley Falls",
                call("process", "{\"arg0\": {\"name\": \"Klaus\", \"address\": {\"city\": \"Langley Falls\"}}}"));
        calls("following: Francine has 2 children", call("process", "{\"arg0\": " + family() + "}"));
    }

    private void extractions() {
        says("text: Klaus is 37 years old, 1.78m height and single", KLAUS, "{\"value\": 2}");
        says("Text: 'Klaus'", "{\"name\": \"Klaus\"}");
        says("Klaus wants a delivery",
                "{\"name\": \"Klaus\", \"shippingAddress\": {\"city\": \"Langley Falls\"}, \"billingAddress\": {\"city\": \"New York\"}}");
        says("Klaus is single", "{\"name\": \"Klaus\", \"maritalStatus\": \"SINGLE\"}");
        says("Klaus likes orange and green", "{\"name\": \"Klaus\", \"favouriteColors\": [\"orange\", \"green\"]}");
        says("2 pets: Peanut and Muffin", "{\"name\": \"Klaus\", \"pets\": [{\"name\": \"Peanut\"}, {\"name\": \"Muffin\"}]}");
        says("groups A and C", "{\"name\": \"Klaus\", \"groups\": [\"A\", \"C\"]}");
        String date = "\"year\": 1976, \"month\": 8, \"day\": 12";
        String time = "\"hour\": 14, \"minute\": 43, \"second\": 0, \"nano\": 0";
        says("born at 14:43", "{\"name\": \"Klaus\", \"birthDate\": {" + date + "}, \"birthTime\": {" + time + "}, \"birthDateTime\": {\"date\": {"
                + date + "}, \"time\": {" + time + "}}}");
        says("text: Klaus and Francine", "{\"values\": [{\"name\": \"Klaus\"}, {\"name\": \"Francine\"}]}");
        says("text: Francine has 2 children", family());
        says("567b229a-6b0a-4f1e-9006-448cd9dfbfda", "{\"id\": \"567b229a-6b0a-4f1e-9006-448cd9dfbfda\", \"name\": \"Klaus\"}");
        says("Rex is a Labrador dog", "{\"value\": " + REX + "}");
        says("Rex is a Labrador. Whiskers", "{\"values\": [" + REX + ", {\"type\": \"Cat\", \"name\": \"Whiskers\", \"indoor\": true}]}");
        says("Alice owns a Labrador", "{\"name\": \"Alice\", \"pet\": " + REX + "}");
        says("expression 1+2+3", "{\"value\": " + sum(sum(constant(1), constant(2)), constant(3)) + "}");
        says("text: Klaus", "{\"name\": \"Klaus\"}");
    }

    private void lists() {
        says("Staniel is 33", "{\"values\": [\"SINGLE\", \"MARRIED\", \"MARRIED\"]}");
        says("Extract names of people", "{\"values\": [\"Klaus\", \"Franny\"]}");
        says("Franny is 35", "{\"value\": 2}", "{\"values\": [" + KLAUS + ", " + FRANNY + "]}");
        says("weather in Berlin was sunny", "{\"values\": [\"SUNNY\", \"WINDY\", \"RAINY\", \"CLOUDY\"]}");
    }

    private void scalars() {
        says("is a man:", "{\"value\": true}");
        says("Extract temperature in Munich", "{\"value\": -0.5}");
        says("1.78m height and single.", "{\"value\": \"SINGLE\"}");
    }

    private static String family() {
        return "{\"name\": \"Francine\", \"children\": [{\"name\": \"Steve\", \"children\": []}, {\"name\": \"Hayley\", \"children\": []}]}";
    }

    private static String constant(int value) {
        return "{\"type\": \"Constant\", \"value\": " + value + "}";
    }

    private static String sum(String left, String right) {
        return "{\"type\": \"Addition\", \"left\": " + left + ", \"right\": " + right + "}";
    }

    private void says(String asked, String... texts) {
        for (String text : texts) {
            then(asked, 0, text);
        }
    }

    private void then(String asked, int turn, String text) {
        rules.add(new Rule(asked, turn, List.of(new Answer(text, Optional.empty(), List.of(), Optional.empty()))));
    }

    private void calls(String asked, ToolCall... calls) {
        rules.add(new Rule(asked, 0, List.of(called(calls))));
    }

    private static Answer called(ToolCall... calls) {
        return new Answer("", Optional.empty(), List.of(calls), Optional.empty());
    }

    private static ToolCall call(String name, String arguments) {
        return new ToolCall("", name, arguments);
    }

    @Override
    public Answer answer(List<Message> messages, ChatOptions options, Predicate<Answer> admitted) {
        int user = messages.size() - 1;
        while (messages.get(user).role() != Role.USER) {
            user--;
        }
        String asked = messages.get(user).content();
        List<Message> since = messages.subList(user + 1, messages.size());
        long turn = since.stream().filter(m -> m.role() == Role.ASSISTANT).count();
        boolean tools = !options.toldTools().isEmpty();
        for (Rule rule : rules) {
            for (Answer answer : rule.says) {
                boolean may = tools || answer.toolCalls().isEmpty();
                if (rule.turn == turn && asked.contains(rule.asked) && may && admitted.test(answer)) {
                    return answer;
                }
            }
        }
        String told = since.stream().filter(m -> m.role() == Role.TOOL).map(Message::content).collect(Collectors.joining(" and "));
        var telling = new Answer("The tools say: " + told, Optional.empty(), List.of(), Optional.empty());
        if (turn == 0 || !admitted.test(telling)) {
            throw new IllegalArgumentException("the script has no answer to: " + asked);
        }
        return telling;
    }
}
