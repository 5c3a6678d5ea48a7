// The language of templates: what jinja2 gave for each of templates/language.json.

#include <gtest/gtest.h>

#include "chat/jinja/template.h"
#include "files/atomic_file.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;

TEST(TemplateLanguage, GivesWhatJinjaGives) {
  const Json cases = Json::parse(read_text_file(AVOCADO_TEMPLATES "/language.json"));
  ASSERT_GT(cases.size(), 300u);
  for (const Json& wanted : cases) {
    const auto source = wanted.at("template").get<std::string>();
    SCOPED_TRACE(wanted.at("about").get<std::string>() + ": " + source);
    std::vector<jinja::Variable> variables;
    if (wanted.contains("variables")) {
      const Json& given = wanted.at("variables");
      for (auto variable = given.begin(); variable != given.end(); ++variable)
        variables.push_back({variable.key(), &variable.value()});
    }
    try {
      const std::string text = jinja::Template(source, "case").render(variables).text;
      EXPECT_EQ(Json(text), wanted.value("text", Json("(no text)")));
    } catch (const jinja::Refusal& refusal) {
      EXPECT_EQ(Json(refusal.reason()), wanted.value("raised", Json("(not raised)")));
    } catch (const Error& error) {
      EXPECT_TRUE(wanted.contains("error")) << error.what();
    }
  }
}

}  // namespace
}  // namespace avocado
