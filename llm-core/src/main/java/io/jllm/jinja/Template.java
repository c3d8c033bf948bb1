package io.jllm.jinja;

import io.jllm.jinja.library.Globals;
import io.jllm.jinja.syntax.Parser;
import io.jllm.jinja.syntax.Stmt;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Meter;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.TextBuilder;
import io.jllm.jinja.value.Value;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A template as models bring them: Jinja with the settings and additions of Hugging Face. Immutable, and safe for use by many threads as long as
 * each rendering has variables of its own.
 */
public final class Template {
    private final List<Stmt> statements;

    private Template(List<Stmt> statements) {
        this.statements = statements;
    }

    /** @throws JinjaException if it is no template; with the line */
    public static Template parse(String source) {
        return new Template(Parser.parse(source));
    }

    /**
     * What the template makes of these variables, with the origin of each character. Templates may change lists and dictionaries that are passed.
     *
     * @param clock for templates that ask for the date
     * @throws JinjaException if it cannot be done, or takes too much; with the line
     */
    public Str render(Map<String, Value> variables, Clock clock) {
        return render(variables, clock, new Meter());
    }

    Str render(Map<String, Value> variables, Clock clock, Meter meter) {
        Evaluator evaluator = new Evaluator(meter);
        Map<String, Value> all = new HashMap<>(Globals.of(clock));
        all.putAll(variables);
        TextBuilder out = new TextBuilder(meter);
        try {
            new Executor(evaluator).run(statements, new Scope(new Scope(all)), out);
        } catch (JinjaException e) {
            throw e.at(evaluator.line());
        }
        return out.build();
    }

    /** Its statements, for whoever looks at what it does. */
    List<Stmt> statements() {
        return statements;
    }
}
