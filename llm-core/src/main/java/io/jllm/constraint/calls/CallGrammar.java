package io.jllm.constraint.calls;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.jllm.chat.AnswerFormat;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolChoice;
import io.jllm.chat.answer.CallMarks;
import io.jllm.grammar.CodePoints;
import io.jllm.grammar.Expr;
import io.jllm.grammar.Grammar;
import io.jllm.grammar.json.SchemaCompiler;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The grammar of answers that call tools with arguments of their schemas. Immutable and thread-safe. */
public final class CallGrammar {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]{1,64}");
    private static final int MOST_DIGITS = 3;
    /** What calls without a mark begin with. */
    private static final String BARE = "{[";

    private final AnswerFormat format;
    private final CallForm form;
    private final ToolChoice choice;
    private final Map<String, Expr> schemas = new LinkedHashMap<>();
    /** The rules of the arguments by the names of tools. */
    private final Map<String, String> arguments = new LinkedHashMap<>();

    /**
     * @param template the text of the model's template
     * @param tools their names all different
     * @param choice {@link ToolChoice.Auto} for text in which calls are bound
     * @throws IllegalArgumentException if answers of the format cannot be bound, a schema is not supported, or the choice cannot be made; the message
     *     says what
     */
    public CallGrammar(AnswerFormat format, String template, List<Tool> tools, ToolChoice choice) {
        this.format = format;
        this.choice = choice;
        form = CallForm.of(format, template).orElseThrow(() -> new IllegalArgumentException("calls of tools in the format " + format
                + " cannot be bound to the tools' schemas: only those of " + bound() + " can; leave toolChoice at auto without strictTools and "
                + "callsOrConstraint, or give the format that the model writes by ChatOptions.answerFormat"));
        chosen(tools, choice).forEach(tool -> arguments.put(tool.name(), schema(tool)));
    }

    private static String bound() {
        return Arrays.stream(AnswerFormat.values()).filter(f -> CallForm.of(f, "").isPresent()).map(AnswerFormat::name)
                .collect(Collectors.joining(", "));
    }

    private static List<Tool> chosen(List<Tool> tools, ToolChoice choice) {
        List<String> names = tools.stream().map(Tool::name).toList();
        if (names.isEmpty()) {
            throw new IllegalArgumentException("toolChoice " + choice + " needs tools, and none are given: give them by ChatOptions.tools");
        }
        for (String name : names) {
            if (!NAME.matcher(name).matches()) {
                throw new IllegalArgumentException("the name of a tool must be 1 to 64 letters, digits, _, . and - for its calls to be bound, was \""
                        + name + "\"");
            }
            if (names.indexOf(name) != names.lastIndexOf(name)) {
                throw new IllegalArgumentException("two tools are named " + name + ", so that their calls cannot be bound");
            }
        }
        return switch (choice) {
            case ToolChoice.Auto _, ToolChoice.Required _ -> tools;
            case ToolChoice.Named named -> {
                if (!names.contains(named.name())) {
                    throw new IllegalArgumentException("toolChoice names the tool " + named.name() + ", and there are " + String.join(", ", names));
                }
                yield tools.stream().filter(t -> t.name().equals(named.name())).toList();
            }
            case ToolChoice.None _ -> throw new IllegalArgumentException("toolChoice none has no calls to be bound");
        };
    }

    /** Makes the rules of a tool's arguments; the name of the first of them. */
    private String schema(Tool tool) {
        String prefix = tool.name() + ": ";
        try {
            String object = object(tool.parameters());
            Grammar grammar = switch (form.arguments()) {
                case JSON -> SchemaCompiler.compile(object);
                case PYTHON -> SchemaCompiler.pythonArguments(object);
                case TAGS -> SchemaCompiler.taggedArguments(object, name -> CallMarks.types(tool, name));
            };
            grammar.rules().forEach((name, rule) -> schemas.put(prefix + name, rule.renamed(r -> prefix + r)));
            return prefix + grammar.root();
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("the parameters of the tool " + tool.name() + " cannot be bound: " + e.getMessage(), e);
        }
    }

    /** A schema with what the API says of arguments: they are an object. */
    private static String object(String schema) {
        JsonElement root;
        try {
            root = JsonParser.parseString(schema);
        } catch (JsonParseException e) {
            throw new IllegalArgumentException("they are no JSON: " + e.getMessage(), e);
        }
        if (!(root instanceof JsonObject members)) {
            throw new IllegalArgumentException("they must be a schema that is an object, were " + schema);
        }
        JsonElement type = members.get("type");
        var object = new JsonPrimitive("object");
        if (type != null && !type.equals(object) && !(type instanceof JsonArray types && types.contains(object))) {
            throw new IllegalArgumentException("they must be of type object, are of " + type);
        }
        members.add("type", object);
        return members.toString();
    }

    /** The grammar for a vocabulary. */
    public Grammar of(SpecialTokens tokens) {
        Map<String, Expr> rules = new LinkedHashMap<>(schemas);
        rules.put("call", Expr.seq(syntax(form.head(), tokens), named(tokens), syntax(form.tail(), tokens)));
        Expr call = new Expr.Ref("call");
        boolean free = choice instanceof ToolChoice.Auto;
        if (format == AnswerFormat.HARMONY) {
            rules.put("root", free ? HarmonyGrammar.free(call, tokens) : HarmonyGrammar.called(call, tokens));
        } else {
            rules.put("root", free ? text(tokens, rules) : calls(form.open(), call, tokens));
        }
        return new Grammar(rules, "root");
    }

    /** The name of a tool, and its arguments. */
    private Expr named(SpecialTokens tokens) {
        Expr middle = syntax(form.middle(), tokens);
        List<Expr> options = new ArrayList<>();
        arguments.forEach((name, rule) -> options.add(Expr.seq(Expr.text(name), middle, new Expr.Ref(rule))));
        return new Expr.Choice(options);
    }

    private Expr calls(String open, Expr call, SpecialTokens tokens) {
        boolean several = form.between().isPresent() && !(choice instanceof ToolChoice.Named);
        Expr more = several ? Expr.many(Expr.seq(syntax(form.between().get(), tokens), call)) : Expr.EMPTY;
        return Expr.seq(syntax(open, tokens), call, more, syntax(form.close(), tokens));
    }

    /** Text with calls in it, or, where calls have no mark, a text or a call. */
    private Expr text(SpecialTokens tokens, Map<String, Expr> rules) {
        Map<String, FreeText.Then> marks = new LinkedHashMap<>();
        for (String mark : CallMarks.of(format)) {
            marks.put(mark, new FreeText.Then.Never());
        }
        Expr call = new Expr.Ref("call");
        if (form.mark().isEmpty()) {
            Expr blank = new Expr.Chars(CodePoints.anyOf(" \n"));
            return Expr.choice(FreeText.with(marks, BARE, tokens, rules), Expr.seq(Expr.optional(blank), calls(form.open(), call, tokens)));
        }
        Expr bound;
        if (form.open().isEmpty()) {
            bound = Expr.seq(syntax(form.head().substring(form.mark().length()), tokens), named(tokens), syntax(form.tail(), tokens));
        } else {
            bound = calls(form.open().substring(form.mark().length()), call, tokens);
        }
        marks.put(form.mark(), new FreeText.Then.Back(bound));
        return FreeText.with(marks, CallMarks.none(format) ? BARE : "", tokens, rules);
    }

    private static Expr syntax(String text, SpecialTokens tokens) {
        List<Expr> parts = new ArrayList<>();
        int from = 0;
        for (int at = text.indexOf(CallForm.NUMBER); at >= 0; at = text.indexOf(CallForm.NUMBER, from)) {
            parts.add(tokens.text(text.substring(from, at)));
            parts.add(number());
            from = at + 1;
        }
        parts.add(tokens.text(text.substring(from)));
        return new Expr.Seq(parts);
    }

    private static Expr number() {
        Expr digit = new Expr.Chars(CodePoints.range('0', '9'));
        return Expr.choice(Expr.text("0"), Expr.seq(new Expr.Chars(CodePoints.range('1', '9')), new Expr.Repeat(digit, 0, MOST_DIGITS - 1)));
    }
}
