package io.jllm.examples.cli.chat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.jllm.chat.Tool;
import io.jllm.examples.cli.options.Texts;
import io.jllm.examples.cli.output.BadInput;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Tools as OpenAI's API has them: an array of {@code {"type": "function", "function": {"name", "description", "parameters"}}}. */
public final class ToolFile {
    private static final String NO_PARAMETERS = "{\"type\": \"object\", \"properties\": {}}";

    private ToolFile() {
    }

    /**
     * Reads a file.
     *
     * @throws BadInput if it holds something else
     */
    public static List<Tool> read(Path file) throws IOException {
        var tools = new ArrayList<Tool>();
        try {
            JsonArray all = JsonParser.parseString(Texts.read(file)).getAsJsonArray();
            for (JsonElement one : all) {
                JsonObject tool = one.getAsJsonObject();
                JsonObject function = tool.has("function") ? tool.getAsJsonObject("function") : tool;
                tools.add(new Tool(function.get("name").getAsString(),
                        function.has("description") ? function.get("description").getAsString() : "",
                        function.has("parameters") ? function.getAsJsonObject("parameters").toString() : NO_PARAMETERS));
            }
            return tools;
        } catch (JsonParseException | IllegalStateException | ClassCastException | NullPointerException | UnsupportedOperationException e) {
            throw new BadInput(file + ": tool " + (tools.size() + 1) + " is no {\"type\": \"function\", \"function\": {\"name\": ..., \"description\": "
                    + "..., \"parameters\": {...}}} of a JSON array", e);
        }
    }
}
