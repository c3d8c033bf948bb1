package io.jllm.schema;

import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/**
 * The parameters of a method as JSON has them: an object with a property a parameter, by the rules of {@link JsonType}. Immutable and thread-safe.
 */
public final class JsonParameters {
    private final List<Shape.Field> fields;
    private final String schema;

    private JsonParameters(List<Shape.Field> fields) {
        this.fields = fields;
        schema = SchemaWriter.of(fields, false).toString();
    }

    /**
     * Of a method, which is made callable by reflection from anywhere.
     *
     * @throws UnsupportedTypeException if a parameter's type has no schema, a parameter's name is not known, or the method's
     *         module is closed to this one
     */
    public static JsonParameters of(Method method) {
        Reflection.open(method, method.getDeclaringClass(), method.getName());
        var shapes = new Shapes();
        var fields = new ArrayList<Shape.Field>();
        var used = new HashSet<String>();
        for (Parameter p : method.getParameters()) {
            String where = method.getDeclaringClass().getSimpleName() + "." + method.getName() + "(" + p.getName() + ")";
            if (!p.isNamePresent() && !p.isAnnotationPresent(Name.class)) {
                throw new UnsupportedTypeException("the name of a parameter at " + where + " is not known: compile with -parameters, or name it by @Name");
            }
            String name = Reflection.nameOf(p, p.getName());
            if (!used.add(name)) {
                throw new UnsupportedTypeException("two parameters of " + method.getName() + " have the name " + name);
            }
            fields.add(new Shape.Field(name, Reflection.description(p), shapes.of(p.getParameterizedType(), where), Optional.empty()));
        }
        return new JsonParameters(List.copyOf(fields));
    }

    /** The JSON schema of the object, as compact JSON text; without the bounds of {@code int} and its like, which cost the model's attention. */
    public String schema() {
        return schema;
    }

    /**
     * The arguments in a JSON object, in the order of the parameters.
     *
     * @throws JsonReadException if it is no JSON, or does not fit
     */
    public List<Object> read(String json) {
        return new ShapeReader(StrictJson.parse(json)).fields(fields, "$");
    }
}
