package io.jllm.chat;

import io.jllm.jinja.value.Dict;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Value;
import io.jllm.tokenizer.TextPiece;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The chat templates of a model: they make a prompt of a conversation, as the model has learned to read it. They are Jinja with the settings and
 * additions of Hugging Face. What a template is given is data: nothing in a message is evaluated, and nothing in it becomes a special token.
 *
 * <p>Immutable and thread-safe. Templates are read when they are first used, and one that is broken is an error only then.
 */
public final class ChatTemplate {
    private static final String DEFAULT = "default";
    private static final String TOOL_USE = "tool_use";
    /** So many templates of callers are kept compiled. */
    private static final int KEPT = 16;
    private static final String CHATML = """
            {%- for message in messages -%}
            {{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
            {%- endfor -%}
            {%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}
            """;

    private final Map<String, String> templates;
    private final Map<String, String> tokens;
    private final Optional<String> problem;
    private final Map<String, CompiledTemplate> compiled = new ConcurrentHashMap<>();

    private ChatTemplate(Map<String, String> templates, Map<String, String> tokens, Optional<String> problem) {
        this.templates = Map.copyOf(templates);
        this.tokens = Map.copyOf(tokens);
        this.problem = problem;
    }

    /**
     * Of these templates.
     *
     * @param templates by name; the one that is meant as a rule is called {@code default}; may be none
     * @param tokens special tokens that templates write, by the name of their variable, such as {@code bos_token}
     */
    public static ChatTemplate of(Map<String, String> templates, Map<String, String> tokens) {
        return new ChatTemplate(templates, tokens, Optional.empty());
    }

    /** Of files that say something else than templates: each use is an error that says so, unless it brings a template of its own. */
    public static ChatTemplate broken(String problem) {
        return new ChatTemplate(Map.of(), Map.of(), Optional.of(problem));
    }

    /** Whether there is none. */
    public boolean isEmpty() {
        return templates.isEmpty() && problem.isEmpty();
    }

    /** The names of the templates. */
    public Set<String> names() {
        return templates.keySet();
    }

    /**
     * The text of the template that options choose, of their own or of the model's; empty if there is none.
     *
     * @throws ChatTemplateException if the model has none of that name, or none can be read
     */
    public Optional<String> source(ChatOptions options) {
        if (options.template().isPresent()) {
            return options.template();
        }
        if (problem.isPresent()) {
            throw new ChatTemplateException(problem.get(), 0);
        }
        if (options.variant().isPresent()) {
            String name = options.variant().get();
            if (!templates.containsKey(name)) {
                throw new ChatTemplateException("the model has no chat template \"" + name + "\"; it has " + listed(), 0);
            }
            return Optional.of(templates.get(name));
        }
        if (!options.toldTools().isEmpty() && templates.containsKey(TOOL_USE)) {
            return Optional.of(templates.get(TOOL_USE));
        }
        if (templates.containsKey(DEFAULT) || templates.size() < 2) {
            return Optional.ofNullable(templates.getOrDefault(DEFAULT, templates.values().stream().findFirst().orElse(null)));
        }
        throw new ChatTemplateException("the model has several chat templates and none called default: choose one by ChatOptions.variant of "
                + listed(), 0);
    }

    private String listed() {
        return templates.isEmpty() ? "none" : String.join(", ", templates.keySet().stream().sorted().toList());
    }

    /**
     * The prompt of a conversation.
     *
     * @param messages what was said, oldest first
     * @throws ChatTemplateException if there is no template or it is broken, if it refuses the conversation (roles that do not alternate, a system
     *     message that the model does not know), has no place for the tools, or takes too many steps
     * @throws IllegalArgumentException if there is no message, the arguments of a call or the schema of a tool are no JSON, or there is no last
     *     message to continue
     */
    public ChatPrompt render(List<Message> messages, ChatOptions options) {
        if (messages.isEmpty()) {
            throw new IllegalArgumentException("a conversation needs at least one message");
        }
        CompiledTemplate template = source(options).map(this::compiled).orElseGet(() -> withoutTemplate(options));
        if (!options.toldTools().isEmpty() && !template.knowsTools()) {
            throw new ChatTemplateException("the chat template has no place for tools, and would leave out the " + options.toldTools().size()
                    + " that are given: describe them in a system message, or give another template", 0);
        }
        if (messages.stream().anyMatch(m -> !m.toolCalls().isEmpty()) && !template.traits().reads("tool_calls")) {
            throw new ChatTemplateException("the chat template has no place for the calls of tools that messages of the assistant hold", 0);
        }
        var variables = new LinkedHashMap<String, Value>();
        tokens.forEach((name, text) -> variables.put(name, Str.trusted(text)));
        variables.putAll(template.variables(options));
        var values = new MessageValues(template);
        if (options.continueLastMessage()) {
            return new ChatPrompt(pieces(Continuation.render(template, values, messages, variables, options.clock())));
        }
        variables.put("messages", values.of(messages));
        return new ChatPrompt(pieces(template.render(variables, options.clock())));
    }

    /**
     * What a template makes of variables of one's own, all of which are data: for whoever writes or tries templates.
     *
     * @param variables a JSON object
     * @throws ChatTemplateException if the template is broken, fails, or takes too many steps
     * @throws IllegalArgumentException if the variables are no JSON object
     */
    public static ChatPrompt render(String template, String variables) {
        if (!(CompiledTemplate.parsed(variables, "the variables of a template") instanceof Dict dict)) {
            throw new IllegalArgumentException("the variables of a template must be a JSON object");
        }
        var named = new LinkedHashMap<String, Value>();
        dict.entries().forEach(e -> named.put(((Str) e.key()).text(), e.value()));
        return new ChatPrompt(pieces(CompiledTemplate.of(template).render(named, Clock.systemDefaultZone())));
    }

    private CompiledTemplate compiled(String source) {
        CompiledTemplate known = compiled.get(source);
        if (known == null) {
            known = CompiledTemplate.of(source);
            if (compiled.size() < KEPT + templates.size()) {
                compiled.put(source, known);
            }
        }
        return known;
    }

    private CompiledTemplate withoutTemplate(ChatOptions options) {
        return switch (options.withoutTemplate()) {
            case CHATML -> compiled(CHATML);
            case ERROR -> throw new ChatTemplateException("the model has no chat template: give one by ChatOptions.template, ask for ChatML by "
                    + "withoutTemplate(CHATML), or prompt the model with plain text", 0);
        };
    }

    private static List<TextPiece> pieces(Str text) {
        List<TextPiece> pieces = new ArrayList<>();
        text.runs(0, text.text().length(), (start, end, trusted) -> pieces.add(new TextPiece(text.text().substring(start, end), trusted)));
        return pieces;
    }
}
