package io.jllm.server.generation;

import io.jllm.constraint.Constraint;
import io.jllm.server.json.BadField;
import io.jllm.server.json.Field;
import io.jllm.server.json.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What answers must look like: a format as OpenAI and Anthropic have it, {@code structured_outputs} and {@code guided_json}, {@code guided_regex},
 * {@code guided_choice}, {@code guided_grammar} as vLLM has them. The last constraints are remembered, with what was found out about their
 * grammars. Safe for all threads.
 */
public final class Bounds {
    private static final int KEPT = 32;

    private final Map<String, Constraint> recent = new LinkedHashMap<>(KEPT, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Constraint> eldest) {
            return size() > KEPT;
        }
    };

    /**
     * The constraint that a request asks for, if it does.
     *
     * @param format where the request's protocol has the format of answers, such as {@code response_format}
     * @throws BadField if it is none, or there are several
     */
    public Optional<Constraint> of(Field body, Field format) {
        var asked = new ArrayList<Field>();
        if (!format.isMissing() && !format.get("type").text().equals("text")) {
            asked.add(format);
        }
        Field outputs = body.get("structured_outputs");
        outputs.keys().stream().filter(name -> !name.startsWith("disable_")).map(outputs::get).filter(f -> !f.isMissing()).forEach(asked::add);
        List.of("guided_json", "guided_regex", "guided_choice", "guided_grammar").stream().map(body::get).filter(f -> !f.isMissing()).forEach(asked::add);
        if (asked.size() > 1) {
            throw new BadField(asked.get(1).name(), "an answer can be bound by one of " + String.join(" and ", asked.stream().map(Field::name).toList())
                    + " only");
        }
        return asked.stream().findFirst().flatMap(f -> f == format ? ofFormat(f) : Optional.of(guided(f)));
    }

    /** A schema stands in {@code json_schema}, or beside the type. */
    private Optional<Constraint> ofFormat(Field format) {
        String type = format.get("type").oneOf("text", "json_object", "json_schema").orElseThrow(() -> format.get("type").wrong("a string"));
        Field schema = format.get("json_schema").isObject() ? format.get("json_schema").get("schema") : format.get("schema");
        return switch (type) {
            case "text" -> Optional.empty();
            case "json_object" -> Optional.of(schema.isMissing() ? made(format, "object", Constraint::jsonObject) : ofSchema(schema));
            default -> Optional.of(ofSchema(schema));
        };
    }

    private Constraint ofSchema(Field schema) {
        boolean trivial = schema.json().isJsonPrimitive() && !schema.isText() && !schema.isNumber(); // true and false are schemas
        if (!schema.isObject() && !trivial) {
            throw schema.wrong("a JSON schema");
        }
        String text = Json.text(schema.json());
        return made(schema, "schema " + text, () -> Constraint.jsonSchema(text));
    }

    private Constraint guided(Field f) {
        String kind = f.name().replaceFirst("^guided_|^structured_outputs\\.", "");
        return switch (kind) {
            case "json" -> f.isText() ? made(f, "schema " + f.text(), () -> Constraint.jsonSchema(f.text())) : ofSchema(f);
            case "json_object" -> {
                if (!f.isTrue()) {
                    throw f.wrong("true");
                }
                yield made(f, "object", Constraint::jsonObject);
            }
            case "regex" -> made(f, "regex " + f.text(), () -> Constraint.regex(f.text()));
            case "grammar" -> made(f, "grammar " + f.text(), () -> Constraint.grammar(f.text()));
            case "choice" -> {
                List<String> choices = f.list().stream().map(Field::text).toList();
                yield made(f, "choice " + Json.text(f.json()), () -> Constraint.choices(choices));
            }
            default -> throw f.unsupported("known are json, json_object, regex, choice and grammar");
        };
    }

    private Constraint made(Field field, String key, Supplier<Constraint> maker) {
        synchronized (recent) {
            Constraint known = recent.get(key);
            if (known != null) {
                return known;
            }
        }
        Constraint made;
        try {
            made = maker.get();
        } catch (IllegalArgumentException e) {
            throw new BadField(field.name(), field.name() + ": " + e.getMessage());
        }
        synchronized (recent) {
            recent.put(key, made);
        }
        return made;
    }
}
